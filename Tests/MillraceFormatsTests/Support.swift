import MillraceCore

@testable import MillraceFormats

/// A generator that gives the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// A record as tests compare it.
struct PlainRecord: Equatable {
    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?
    var headers = Headers()

    static func random(_ generator: inout SeededGenerator) -> PlainRecord {
        let bytes = { (generator: inout SeededGenerator) -> [UInt8]? in
            let kind = Int.random(in: 0..<10, using: &generator)
            if kind == 0 { return nil }
            let length = kind == 1 ? Int.random(in: 0..<3000, using: &generator) : Int.random(in: 0..<40, using: &generator)
            // Few different bytes, so that there is something to compress.
            return (0..<length).map { _ in UInt8.random(in: 97..<100, using: &generator) }
        }
        let headers = (0..<max(0, Int.random(in: -6..<4, using: &generator))).map { Header("h\($0)", bytes(&generator)) }
        return PlainRecord(
            timestamp: Int64.random(in: -1..<1 << 42, using: &generator), key: bytes(&generator), value: bytes(&generator),
            headers: Headers(headers))
    }
}

func withBytes<Result>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Result) rethrows -> Result {
    guard let bytes else { return try body(nil) }
    return try bytes.withUnsafeBytes { try body($0) }
}

func encode(_ records: [PlainRecord], batchSize: Int = RecordBatchWriter.defaultBatchSize, compression: Compression = .none) throws
    -> ByteBuffer
{
    let writer = RecordBatchWriter(batchSize: batchSize, compression: compression)
    for record in records { try writer.append(record) }
    try writer.finish()
    return writer.output
}

extension RecordBatchWriter {
    func append(_ record: PlainRecord) throws {
        try withBytes(record.key) { key in
            try withBytes(record.value) { value in
                try append(timestamp: Timestamp(milliseconds: record.timestamp), headers: record.headers, key: key, value: value)
            }
        }
    }
}

/// All records of consecutive batches, after checking the checksums.
func decode(_ bytes: UnsafeRawBufferPointer) throws -> [(offset: Int64, record: PlainRecord)] {
    var found: [(Int64, PlainRecord)] = []
    var cursor = RecordBatchCursor(bytes)
    let scratch = ByteBuffer()
    while let batch = try cursor.next() {
        try batch.verifyChecksum()
        var records = try batch.records(decompressingInto: scratch, maximum: 4 << 20)
        while let record = try records.next() {
            let plain = PlainRecord(
                timestamp: record.timestamp.milliseconds, key: record.key.map { Array($0) }, value: record.value.map { Array($0) },
                headers: try record.headers.decoded())
            found.append((record.offset.value, plain))
        }
    }
    if cursor.remainder.count > 0 { throw MillraceError(.corruption, "There are bytes after the last batch.") }
    return found
}
