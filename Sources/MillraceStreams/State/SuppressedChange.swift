import MillraceCore

/// Where a record came from, kept with what waits of it. Kafka: `ProcessorRecordContext`.
@usableFromInline
struct RecordOrigin {
    @usableFromInline var timestamp: Int64
    var offset: Int64
    /// `nil` for a record that a punctuation made.
    var topic: String?
    var partition: Int32
    @usableFromInline var headers: Headers

    /// What Kafka Streams counts for it in a buffer that is bounded by bytes.
    @usableFromInline var byteCount: Int {
        headers.reduce(20 + (topic?.utf16.count ?? 0)) { $0 + $1.name.utf16.count + ($1.value?.count ?? 0) }
    }

    /// Timestamp, offset, topic, partition, headers; texts and values with their lengths before them, -1 for none.
    @usableFromInline
    func write(to buffer: ByteBuffer) {
        buffer.append(bigEndian: timestamp)
        buffer.append(bigEndian: offset)
        buffer.append(sized: topic ?? "")
        buffer.append(bigEndian: partition)
        buffer.append(bigEndian: Int32(headers.count))
        for header in headers {
            buffer.append(sized: header.name)
            guard let value = header.value else {
                buffer.append(bigEndian: Int32(-1))
                continue
            }
            buffer.append(bigEndian: Int32(value.count))
            buffer.append(value)
        }
    }
}

extension TaskContext {
    /// The origin of a record of this time and these headers that the record at hand led to.
    @usableFromInline
    func origin(_ timestamp: Timestamp, _ headers: Headers) -> RecordOrigin {
        RecordOrigin(
            timestamp: timestamp.milliseconds, offset: sourceOffset.value, topic: sourceTopic, partition: id.partition, headers: headers)
    }

    /// `releasing` for a record that was held back, as if the record that it comes from were at hand.
    @usableFromInline
    func releasing(_ origin: RecordOrigin, _ body: () throws -> Void) throws {
        let (topic, offset) = (sourceTopic, sourceOffset)
        (sourceTopic, sourceOffset) = (origin.topic, Offset(origin.offset))
        defer { (sourceTopic, sourceOffset) = (topic, offset) }
        try releasing { try handling(Timestamp(milliseconds: origin.timestamp), origin.headers, body) }
    }
}

extension ByteBuffer {
    fileprivate func append(sized text: String) {
        let start = count
        append(bigEndian: Int32(0))
        append(utf8: text)
        mutableBytes.storeBytes(of: Int32(count - start - 4).bigEndian, toByteOffset: start, as: Int32.self)
    }
}

/// Reads what `RecordOrigin.write` and the stores that use it wrote. Every length is checked against what is there.
struct RecordOriginReader {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func origin() throws -> RecordOrigin {
        let timestamp: Int64 = try number()
        let offset: Int64 = try number()
        let topic = try text()
        let partition: Int32 = try number()
        let count: Int32 = try number()
        var headers = Headers()
        for _ in 0..<max(0, count) {
            let name = try text()
            headers.append(Header(name, try sizedBytes().map { Array($0) }))
        }
        return RecordOrigin(
            timestamp: timestamp, offset: offset, topic: topic.isEmpty ? nil : topic, partition: partition, headers: headers)
    }

    mutating func number<Number: FixedWidthInteger>() throws -> Number {
        let size = MemoryLayout<Number>.size
        guard bytes.count - index >= size else { throw RecordOriginReader.damaged }
        defer { index += size }
        return bytes.loadBigEndian(at: index)
    }

    /// Bytes with their length before them; `nil` for length -1.
    mutating func sizedBytes() throws -> UnsafeRawBufferPointer? {
        try bytes(length: number())
    }

    /// So many bytes; `nil` for length -1.
    mutating func bytes(length: Int32) throws -> UnsafeRawBufferPointer? {
        if length == -1 { return nil }
        guard length >= 0, Int(length) <= bytes.count - index else { throw RecordOriginReader.damaged }
        defer { index += Int(length) }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<(index + Int(length))])
    }

    private mutating func text() throws -> String {
        guard let bytes = try sizedBytes(), let text = String(validating: bytes, as: UTF8.self) else { throw RecordOriginReader.damaged }
        return text
    }

    private static var damaged: MillraceError {
        MillraceError(.corruption, "A row of a suppression's changelog is damaged: a length in it does not fit its size.")
    }
}
