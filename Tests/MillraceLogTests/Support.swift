import Foundation
import MillraceCore
import MillraceFormats

@testable import MillraceLog

/// A directory of its own for each test, removed at the end.
final class TemporaryDirectory {
    let path = NSTemporaryDirectory() + "millrace-log-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Another directory with the same files, as a crash at this moment would leave them.
    func copy() throws -> TemporaryDirectory {
        let copy = try TemporaryDirectory()
        try FileManager.default.removeItem(atPath: copy.path)
        try FileManager.default.copyItem(atPath: path, toPath: copy.path)
        return copy
    }
}

/// A record as tests compare it.
struct PlainRecord: Hashable, CustomStringConvertible {
    var key: String?
    var value: String?
    var time: Int64 = 0
    var description: String { "\(key ?? "-")=\(value ?? "-")@\(time)" }
}

func encode(_ records: [PlainRecord], batchSize: Int = RecordBatchWriter.defaultBatchSize, compression: Compression = .none) throws
    -> ByteBuffer
{
    let writer = RecordBatchWriter(batchSize: batchSize, compression: compression)
    for record in records {
        try withBytes(record.key) { key in
            try withBytes(record.value) { value in
                try writer.append(timestamp: Timestamp(milliseconds: record.time), key: key, value: value)
            }
        }
    }
    try writer.finish()
    return writer.output
}

func withBytes<Result>(_ text: String?, _ body: (UnsafeRawBufferPointer?) throws -> Result) rethrows -> Result {
    guard let text else { return try body(nil) }
    return try Array(text.utf8).withUnsafeBytes { try body($0) }
}

/// The records of fetched batches from an offset on, with their offsets.
func decode(_ batches: FetchedBatches, from offset: Int64 = 0) throws -> [(offset: Int64, record: PlainRecord)] {
    var found: [(Int64, PlainRecord)] = []
    var cursor = RecordBatchCursor(batches.bytes)
    let scratch = ByteBuffer()
    while let batch = try cursor.next() {
        var records = try batch.records(decompressingInto: scratch)
        while let record = try records.next() {
            guard record.offset.value >= offset else { continue }
            let text = { (bytes: UnsafeRawBufferPointer?) in bytes.map { String(decoding: $0, as: UTF8.self) } }
            found.append(
                (record.offset.value, PlainRecord(key: text(record.key), value: text(record.value), time: record.timestamp.milliseconds)))
        }
    }
    withExtendedLifetime(batches.owner) {}
    return found
}

extension EmbeddedLog {
    /// Commits records to one partition.
    @discardableResult
    func write(
        _ records: [PlainRecord], to partition: TopicPartition, offsets: [TopicPartition: CommittedOffset] = [:], batchSize: Int = 64 * 1024
    ) throws -> Offset {
        let session = try openSession(named: "writer", group: "group")
        let output = OutputBatches(partition: partition, bytes: try encode(records, batchSize: batchSize), recordCount: records.count)
        return try session.commit([output], offsets: offsets)[0]
    }

    /// All records of a partition from an offset on.
    func readAll(_ partition: TopicPartition, from start: Int64? = nil, maxBytes: Int = 1 << 20) throws -> [(
        offset: Int64, record: PlainRecord
    )] {
        let session = try openSession(named: "reader", group: "group")
        let start = try start ?? offsetRange(of: partition).lowerBound.value
        try session.assign([partition: Offset(start)])
        var found: [(Int64, PlainRecord)] = []
        while true {
            let fetched = try session.poll(maxBytes: maxBytes, timeout: .zero)
            if fetched.isEmpty { return found }
            for batches in fetched { found += try decode(batches, from: start) }
        }
    }
}
