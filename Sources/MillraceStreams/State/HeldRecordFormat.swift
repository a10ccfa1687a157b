import MillraceCore

/// A record that a buffer holds back: what is needed to send it on later as if it came now.
@usableFromInline
struct HeldRecord<Value> {
    @usableFromInline let value: Value
    @usableFromInline let timestamp: Timestamp
    @usableFromInline let headers: Headers
    @usableFromInline let metadata: RecordMetadata

    @inlinable
    init(value: Value, timestamp: Timestamp, headers: Headers, metadata: RecordMetadata) {
        self.value = value
        self.timestamp = timestamp
        self.headers = headers
        self.metadata = metadata
    }
}

/// The bytes of held records in changelogs, as Kafka's `BufferValue` and `ProcessorRecordContext` write them (all numbers big-endian):
///
///     timestamp (8), offset (8), topic (length 4, UTF-8), partition (4), number of headers (4),
///     per header: name (length 4, UTF-8), value (length 4, bytes; -1: none),
///     length of the prior value (4, -1: none), length of the old value (4, -1: none), value (length 4, bytes), buffer time (8)
///
/// Prior and old value are there for tables only, and the buffer time is 0: a stream's record leaves by its own time.
@usableFromInline
struct HeldRecordFormat<Value>: Sendable {
    @usableFromInline let value: Serde<Value>

    @inlinable
    init(value: Serde<Value>) {
        self.value = value
    }

    /// The serde of held records.
    @inlinable var serde: Serde<HeldRecord<Value>> {
        let format = self
        return Serde("held \(value.name)", write: { try format.write($0, to: $1) }, read: { try format.read($0) })
    }

    @inlinable
    func write(_ record: HeldRecord<Value>, to buffer: ByteBuffer) throws {
        RecordOrigin(record.timestamp, record.headers, record.metadata).write(to: buffer)
        buffer.append(bigEndian: Int32(-1))
        buffer.append(bigEndian: Int32(-1))
        let start = buffer.count
        buffer.append(bigEndian: Int32(0))
        _ = try value.write(record.value, to: buffer)
        let length = Int32(buffer.count - start - 4)
        buffer.mutableBytes.storeBytes(of: length.bigEndian, toByteOffset: start, as: Int32.self)
        buffer.append(bigEndian: Int64(0))
    }

    @inlinable
    func read(_ bytes: UnsafeRawBufferPointer) throws -> HeldRecord<Value> {
        let parts = try HeldRecordParts(bytes)
        return HeldRecord(
            value: try value.read(parts.value), timestamp: parts.timestamp, headers: parts.headers, metadata: parts.metadata)
    }
}

/// A held record with its value still as bytes.
@usableFromInline
struct HeldRecordParts {
    @usableFromInline let timestamp: Timestamp
    @usableFromInline let headers: Headers
    @usableFromInline let metadata: RecordMetadata
    @usableFromInline let value: UnsafeRawBufferPointer

    @usableFromInline
    init(_ bytes: UnsafeRawBufferPointer) throws {
        var reader = HeldRecordReader(bytes: bytes)
        timestamp = Timestamp(milliseconds: try reader.number())
        let offset = Offset(try reader.number())
        let topic = try reader.text()
        let partition: Partition = try reader.number()
        var headers = Headers()
        let headerCount: Int32 = try reader.number()
        for _ in 0..<max(0, headerCount) {
            let name = try reader.text()
            headers.append(Header(name, try reader.run().map { Array($0) }))
        }
        self.headers = headers
        _ = try reader.run()
        _ = try reader.run()
        guard let newValue = try reader.run() else { throw reader.damage }
        value = newValue
        metadata = RecordMetadata(topic: topic, partition: partition, offset: offset)
    }
}

/// Reads the parts of a held record, none beyond its end.
private struct HeldRecordReader {
    let bytes: UnsafeRawBufferPointer
    private var place = 0

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var damage: MillraceError {
        MillraceError(
            .corruption,
            "A buffered record of \(bytes.count) bytes is cut off or has impossible lengths. It was written by something else, or its changelog is damaged."
        )
    }

    mutating func number<Number: FixedWidthInteger>() throws -> Number {
        let size = MemoryLayout<Number>.size
        guard bytes.count - place >= size else { throw damage }
        defer { place += size }
        return bytes.loadBigEndian(at: place)
    }

    /// A length and as many bytes; `nil` for a negative length, which stands for none.
    mutating func run() throws -> UnsafeRawBufferPointer? {
        let length = Int(try number() as Int32)
        guard length >= 0 else { return nil }
        guard length <= bytes.count - place else { throw damage }
        defer { place += length }
        return UnsafeRawBufferPointer(rebasing: bytes[place..<place + length])
    }

    mutating func text() throws -> String {
        guard let run = try run(), let text = String(validating: run, as: UTF8.self) else { throw damage }
        return text
    }
}
