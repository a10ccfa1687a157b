import MillraceCore

/// An entry of a segment's `.index`: the batch that ends with an offset starts at a position. Kafka: `OffsetIndex`.
public struct OffsetIndexEntry: Hashable, Sendable {
    public static let length = 8

    /// The batch's last offset, relative to the segment's base offset.
    public var relativeOffset: Int32
    /// Where the batch starts in the segment's `.log`.
    public var position: Int32

    public init(relativeOffset: Int32, position: Int32) {
        self.relativeOffset = relativeOffset
        self.position = position
    }

    /// The entry at the start of `bytes`, which must be at least `length` long.
    public init(_ bytes: UnsafeRawBufferPointer) {
        relativeOffset = bytes.loadBigEndian(at: 0)
        position = bytes.loadBigEndian(at: 4)
    }

    public func write(to buffer: ByteBuffer) {
        buffer.append(bigEndian: relativeOffset)
        buffer.append(bigEndian: position)
    }
}

/// An entry of a segment's `.timeindex`: up to an offset no record is later than a timestamp. Kafka: `TimeIndex`.
public struct TimeIndexEntry: Hashable, Sendable {
    public static let length = 12

    /// The highest timestamp so far.
    public var timestamp: Timestamp
    /// The last offset of the batch that has it, relative to the segment's base offset.
    public var relativeOffset: Int32

    public init(timestamp: Timestamp, relativeOffset: Int32) {
        self.timestamp = timestamp
        self.relativeOffset = relativeOffset
    }

    /// The entry at the start of `bytes`, which must be at least `length` long.
    public init(_ bytes: UnsafeRawBufferPointer) {
        timestamp = Timestamp(milliseconds: bytes.loadBigEndian(at: 0))
        relativeOffset = bytes.loadBigEndian(at: 8)
    }

    public func write(to buffer: ByteBuffer) {
        buffer.append(bigEndian: timestamp.milliseconds)
        buffer.append(bigEndian: relativeOffset)
    }
}
