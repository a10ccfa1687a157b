import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceFormats

/// Prints records line by line, as fields or as JSON.
struct RecordPrinter {
    private static let fieldNames = ["partition", "offset", "timestamp", "key", "value", "headers"]

    private let fields: [String]
    private let keyFormat: ByteFormat
    private let valueFormat: ByteFormat
    private let asJSON: Bool
    /// How many records may still be printed; `nil` for all.
    private(set) var remaining: Int?
    private let scratch = ByteBuffer()

    init(_ arguments: ParsedArguments, remaining: Int?) throws {
        fields = (arguments["fields"] ?? "key,value").split(separator: ",").map(String.init)
        if let unknown = fields.first(where: { !RecordPrinter.fieldNames.contains($0) }) {
            throw CommandLineError("--fields knows \(RecordPrinter.fieldNames.joined(separator: ", ")), and not \"\(unknown)\".")
        }
        keyFormat = try ByteFormat.of("key-format", arguments)
        valueFormat = try ByteFormat.of("value-format", arguments)
        asJSON = arguments.has("json")
        self.remaining = remaining
    }

    /// Prints the records of fetched batches that lie in a range of offsets.
    mutating func print(_ fetched: FetchedBatches, from start: Offset, until end: Offset?) throws {
        var cursor = RecordBatchCursor(fetched.bytes)
        while let batch = try cursor.next() {
            // Markers of transactions are no records of the app's.
            if batch.isControl { continue }
            var records = try batch.records(decompressingInto: scratch)
            while let record = try records.next() {
                guard record.offset >= start, end.map({ record.offset < $0 }) ?? true else { continue }
                if remaining == 0 { return }
                remaining = remaining.map { $0 - 1 }
                Swift.print(asJSON ? try json(record, fetched.partition) : try line(record, fetched.partition))
            }
        }
        withExtendedLifetime(fetched.owner) {}
    }

    private func line(_ record: RawRecord, _ partition: TopicPartition) throws -> String {
        try fields.map { field in
            switch field {
            case "partition": return "\(partition.partition)"
            case "offset": return "\(record.offset)"
            case "timestamp": return record.timestamp.readable
            case "key": return keyFormat.text(record.key)
            case "value": return valueFormat.text(record.value)
            default:
                return try record.headers.decoded().map { header in
                    header.name + "=" + (header.value ?? []).withUnsafeBytes { header.value == nil ? "null" : ByteFormat.text.text($0) }
                }.joined(separator: ",")
            }
        }.joined(separator: "\t")
    }

    private func json(_ record: RawRecord, _ partition: TopicPartition) throws -> String {
        let headers = try record.headers.decoded().map { header in
            JSONText.array([.string(header.name), header.value.map { $0.withUnsafeBytes { ByteFormat.text.json($0) } } ?? .null])
        }
        return JSONText.object([
            ("partition", .integer(Int64(partition.partition))), ("offset", .integer(record.offset.value)),
            ("timestamp", .integer(record.timestamp.milliseconds)), ("key", keyFormat.json(record.key)),
            ("value", valueFormat.json(record.value)), ("headers", .array(headers)),
        ]).text
    }
}
