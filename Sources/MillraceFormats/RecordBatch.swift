import MillraceCore

/// Where the fields of a record batch's header lie. All numbers are big-endian.
public enum RecordBatchLayout {
    public static let baseOffset = 0
    /// The length of what follows this field.
    public static let batchLength = 8
    public static let leaderEpoch = 12
    public static let magic = 16
    public static let crc = 17
    /// The checksum covers the batch from here on: what stands before may be set by whoever appends the batch.
    public static let attributes = 21
    public static let lastOffsetDelta = 23
    public static let baseTimestamp = 27
    public static let maxTimestamp = 35
    public static let producerID = 43
    public static let producerEpoch = 51
    public static let baseSequence = 53
    public static let recordCount = 57
    /// Where the records start, which is also the length of the header.
    public static let records = 61
    /// What `batchLength` does not count: the base offset and itself.
    public static let uncountedPrefix = 12
}

/// One record batch of Kafka's format 2, in place: a view of bytes that were checked to hold a whole batch with a sane header.
///
/// It is valid as long as the bytes are. Kafka: `DefaultRecordBatch`.
public struct RecordBatch {
    /// The whole batch, header included.
    public let bytes: UnsafeRawBufferPointer

    /// The batch at the start of `bytes`, which may go on after it.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the bytes do not start with a whole batch of format 2. The checksum is left to `hasValidChecksum`.
    public init(startOf bytes: UnsafeRawBufferPointer) throws {
        guard let length = try RecordBatch.length(startOf: bytes), length <= bytes.count else {
            throw RecordBatch.corrupt("is cut off after \(bytes.count) bytes")
        }
        let batch = UnsafeRawBufferPointer(rebasing: bytes[0..<length])
        let format = batch[RecordBatchLayout.magic]
        guard format == 2 else {
            throw RecordBatch.corrupt(
                "is of format \(format), and only format 2 is known (Kafka 0.11 and later; a current broker converts older ones)")
        }
        self.bytes = batch
        let (last, overflow) = baseOffset.value.addingReportingOverflow(Int64(lastOffsetDelta))
        guard baseOffset.value >= 0, lastOffsetDelta >= 0, !overflow, last < Int64.max else {
            throw RecordBatch.corrupt("has impossible offsets: base \(baseOffset), last offset delta \(lastOffsetDelta)")
        }
        guard recordCount >= 0, recordCount <= Int(lastOffsetDelta) + 1 else {
            throw RecordBatch.corrupt("claims \(recordCount) records for \(Int(lastOffsetDelta) + 1) offsets")
        }
        guard attributes & 7 <= 4 else { throw RecordBatch.corrupt("has an unknown compression, number \(attributes & 7)") }
    }

    /// The length of the batch at the start of `bytes`, which need not be there as a whole; `nil` when there are too few bytes to tell.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the length is one that no batch can have.
    public static func length(startOf bytes: UnsafeRawBufferPointer) throws -> Int? {
        guard bytes.count >= RecordBatchLayout.uncountedPrefix else { return nil }
        let length = Int(bytes.loadBigEndian(at: RecordBatchLayout.batchLength, as: Int32.self)) + RecordBatchLayout.uncountedPrefix
        guard length >= RecordBatchLayout.records else { throw corrupt("claims a length of \(length) bytes, less than its header") }
        return length
    }

    @inlinable public var baseOffset: Offset { Offset(field(RecordBatchLayout.baseOffset)) }
    @inlinable public var leaderEpoch: Int32 { field(RecordBatchLayout.leaderEpoch) }
    @inlinable public var checksum: UInt32 { field(RecordBatchLayout.crc) }
    @inlinable public var attributes: Int16 { field(RecordBatchLayout.attributes) }
    @inlinable public var lastOffsetDelta: Int32 { field(RecordBatchLayout.lastOffsetDelta) }
    @inlinable public var baseTimestamp: Timestamp { Timestamp(milliseconds: field(RecordBatchLayout.baseTimestamp)) }
    /// The highest timestamp of the batch; with `isLogAppendTime` the timestamp of all its records.
    @inlinable public var maxTimestamp: Timestamp { Timestamp(milliseconds: field(RecordBatchLayout.maxTimestamp)) }
    /// The producer that numbers its batches, -1 when it does not.
    @inlinable public var producerID: Int64 { field(RecordBatchLayout.producerID) }
    @inlinable public var producerEpoch: Int16 { field(RecordBatchLayout.producerEpoch) }
    @inlinable public var baseSequence: Int32 { field(RecordBatchLayout.baseSequence) }
    /// The number that the producer gave the last record; meaningless without a producer.
    @inlinable public var lastSequence: Int32 { ProducerSequence.advance(baseSequence, by: Int64(lastOffsetDelta)) }
    /// Who wrote the batch, if it says so.
    @inlinable public var producer: ProducerIdentity? {
        producerID >= 0 ? ProducerIdentity(id: producerID, epoch: producerEpoch) : nil
    }
    /// The number of records that the header claims; a cursor gives no more, and fails if there are fewer.
    @inlinable public var recordCount: Int { Int(field(RecordBatchLayout.recordCount) as Int32) }

    /// The offset of the last record that the batch had when it was written; compaction may have removed that record, the offset stays.
    @inlinable public var lastOffset: Offset { Offset(baseOffset.value + Int64(lastOffsetDelta)) }
    /// The offset at which reading goes on after this batch.
    @inlinable public var nextOffset: Offset { Offset(lastOffset.value + 1) }
    @inlinable public var compression: Compression { Compression(rawValue: UInt8(attributes & 7)) ?? .none }
    @inlinable public var isLogAppendTime: Bool { attributes & 8 != 0 }
    /// Whether the batch belongs to a transaction, whose outcome a control batch tells.
    @inlinable public var isTransactional: Bool { attributes & 16 != 0 }
    /// Whether the batch holds markers (commit, abort) instead of an app's records.
    @inlinable public var isControl: Bool { attributes & 32 != 0 }
    /// When tombstones of the batch may go, in place of a base timestamp; set by compaction.
    @inlinable public var deleteHorizon: Timestamp? { attributes & 64 != 0 ? baseTimestamp : nil }

    /// The records as they lie in the batch, perhaps compressed.
    @inlinable public var recordBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[RecordBatchLayout.records...]) }

    /// Whether the checksum is that of the bytes it covers.
    public var hasValidChecksum: Bool {
        CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[RecordBatchLayout.attributes...])) == checksum
    }

    /// Checks the checksum.
    ///
    /// - Throws: `MillraceError` of kind `corruption` that names the offset.
    public func verifyChecksum() throws {
        if !hasValidChecksum { throw RecordBatch.corrupt("at offset \(baseOffset) does not match its checksum") }
    }

    @inlinable
    func field<Number: FixedWidthInteger>(_ place: Int) -> Number {
        bytes.loadBigEndian(at: place)
    }

    static func corrupt(_ what: String) -> MillraceError {
        MillraceError(.corruption, "A record batch \(what).")
    }
}

/// Goes through record batches that lie one after the other.
public struct RecordBatchCursor {
    private var rest: UnsafeRawBufferPointer

    /// Starts before the first batch of `bytes`.
    public init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    /// The next batch; `nil` at the end, or when only a part of a batch is left, which `remainder` then holds.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when what comes next cannot be a batch.
    public mutating func next() throws -> RecordBatch? {
        guard let length = try RecordBatch.length(startOf: rest), length <= rest.count else { return nil }
        let batch = try RecordBatch(startOf: rest)
        rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        return batch
    }

    /// The bytes after the batches given so far.
    public var remainder: UnsafeRawBufferPointer { rest }
}
