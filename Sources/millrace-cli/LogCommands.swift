import MillraceCommandLine
import MillraceCore
import MillraceFormats
import MillraceLog

/// `millrace log …`
enum LogCommands {
    static let tree = CommandTree(
        name: "millrace log", summary: "Look at the files of a log and check them.",
        branches: [
            .command(
                "dump",
                CommandLineTable(
                    name: "millrace log dump", summary: "Prints the record batches of .log files, of a Millrace log or of a Kafka broker.",
                    operands: "FILE ...",
                    options: [
                        .init("records", "Print the records too."),
                        .init("key-format", value: "FORMAT", "How to print keys: \(ByteFormat.names)."),
                        .init("value-format", value: "FORMAT", "How to print values."), DataAccess.json,
                    ],
                    footer: "Example:\n  millrace log dump --records data/log/words-0/00000000000000000000.log"), dump),
            .command(
                "verify",
                CommandLineTable(
                    name: "millrace log verify", summary: "Reads all that is committed and checks it: checksums, offsets, every record.",
                    operands: "[TOPIC ...]", options: [DataAccess.option, DataAccess.json],
                    footer:
                        "The app may be running. The exit status is 1 when something is damaged.\n\nExample:\n  millrace log verify --data shop"
                ), verify),
        ])

    private static func dump(_ arguments: ParsedArguments) throws {
        guard !arguments.operands.isEmpty else { throw CommandLineError("Say which files to dump. See --help.") }
        let keyFormat = try ByteFormat.of("key-format", arguments)
        let valueFormat = try ByteFormat.of("value-format", arguments)
        let scratch = ByteBuffer()
        for path in arguments.operands {
            var file = try SegmentFile(path)
            if !arguments.has("json") { print("\(path): \(file.byteCount) bytes") }
            while let (batch, position) = try file.next() {
                let marker = try batch.marker(scratch: scratch)
                print(arguments.has("json") ? json(batch, position, path, marker) : line(batch, position, marker))
                guard arguments.has("records"), !batch.isControl else { continue }
                var records = try batch.records(decompressingInto: scratch)
                while let record = try records.next() {
                    if arguments.has("json") {
                        print(
                            JSONText.object([
                                ("offset", .integer(record.offset.value)), ("timestamp", .integer(record.timestamp.milliseconds)),
                                ("key", keyFormat.json(record.key)), ("value", valueFormat.json(record.value)),
                            ]).text)
                    } else {
                        let headers = try record.headers.decoded().map(\.name).joined(separator: ",")
                        print(
                            "    \(record.offset)  \(record.timestamp.readable)  \(keyFormat.text(record.key)) = \(valueFormat.text(record.value))"
                                + (headers.isEmpty ? "" : "  headers \(headers)"))
                    }
                }
            }
        }
    }

    private static func line(_ batch: RecordBatch, _ position: Int, _ marker: TransactionMarker?) -> String {
        var text =
            "  byte \(position): offsets \(batch.baseOffset)...\(batch.lastOffset), \(batch.recordCount) records, \(batch.bytes.count) bytes"
        text += ", \(batch.compression.name), up to \(batch.maxTimestamp.readable)"
        if batch.producerID >= 0 { text += ", producer \(batch.producerID) epoch \(batch.producerEpoch) from \(batch.baseSequence)" }
        if batch.isTransactional { text += ", transactional" }
        if batch.isControl {
            text += ", control" + (marker.map { " \($0.kind.rawValue) of coordinator epoch \($0.coordinatorEpoch)" } ?? "")
        }
        return text + (batch.hasValidChecksum ? "" : ", WRONG CHECKSUM")
    }

    private static func json(_ batch: RecordBatch, _ position: Int, _ path: String, _ marker: TransactionMarker?) -> String {
        JSONText.object([
            ("file", .string(path)), ("position", .integer(Int64(position))), ("baseOffset", .integer(batch.baseOffset.value)),
            ("lastOffset", .integer(batch.lastOffset.value)), ("records", .integer(Int64(batch.recordCount))),
            ("bytes", .integer(Int64(batch.bytes.count))), ("compression", .string(batch.compression.name)),
            ("maxTimestamp", .integer(batch.maxTimestamp.milliseconds)), ("producerId", .integer(batch.producerID)),
            ("producerEpoch", .integer(Int64(batch.producerEpoch))), ("baseSequence", .integer(Int64(batch.baseSequence))),
            ("transactional", .bool(batch.isTransactional)), ("control", .bool(batch.isControl)),
            ("marker", marker.map { .string($0.kind.rawValue) } ?? .null), ("valid", .bool(batch.hasValidChecksum)),
        ]).text
    }

    private static func verify(_ arguments: ParsedArguments) throws {
        let log = try DataAccess.observe(arguments)
        let topics = arguments.operands.isEmpty ? try log.listTopics() : arguments.operands
        var table = TextTable("PARTITION", "START", "END", "RECORDS", "BYTES", "STATE")
        var rows: [JSONText] = []
        var damages: [String] = []
        for topic in try topics.map({ try DataAccess.topic($0, in: log) }) {
            for partition in (0..<topic.partitions).map({ TopicPartition(topic.name, $0) }) {
                let range = try log.offsetRange(of: partition)
                var check = PartitionCheck(partition, range)
                let damage = try check.run(log)
                if let damage { damages.append("\(partition): \(damage)") }
                table.add(
                    "\(partition)", "\(range.lowerBound)", "\(range.upperBound)", "\(check.records)", "\(check.bytes)",
                    damage == nil ? "good" : "DAMAGED")
                rows.append(
                    .object([
                        ("partition", .string("\(partition)")), ("start", .integer(range.lowerBound.value)),
                        ("end", .integer(range.upperBound.value)),
                        ("records", .integer(Int64(check.records))), ("bytes", .integer(Int64(check.bytes))),
                        ("damage", damage.map { .string($0) } ?? .null),
                    ]))
            }
        }
        print(arguments.has("json") ? JSONText.array(rows).text + "\n" : table.text, terminator: "")
        if !damages.isEmpty { throw MillraceError(.corruption, "Damage was found.\n  " + damages.joined(separator: "\n  ")) }
    }
}

/// Reads one partition from start to end and checks each record.
private struct PartitionCheck {
    let partition: TopicPartition
    let range: Range<Offset>
    private(set) var records = 0
    private(set) var bytes = 0

    init(_ partition: TopicPartition, _ range: Range<Offset>) {
        self.partition = partition
        self.range = range
    }

    /// What is wrong; `nil` when nothing is.
    mutating func run(_ log: EmbeddedLog) throws -> String? {
        let session = try log.openSession(named: "millrace log verify", group: "millrace log verify")
        try session.assign([partition: range.lowerBound])
        let scratch = ByteBuffer()
        var next = Offset(0)
        do {
            while true {
                let fetched = try session.poll(maxBytes: 1 << 20, timeout: .zero)
                if fetched.isEmpty { return nil }
                for batches in fetched {
                    var cursor = RecordBatchCursor(batches.bytes)
                    while let batch = try cursor.next() {
                        guard batch.baseOffset >= next else { return "Offset \(batch.baseOffset) comes after \(next + -1)." }
                        next = batch.nextOffset
                        bytes += batch.bytes.count
                        var cursor = try batch.records(decompressingInto: scratch)
                        while let record = try cursor.next() {
                            _ = try record.headers.decoded()
                            if record.offset >= range.lowerBound, !batch.isControl { records += 1 }
                        }
                    }
                }
            }
        } catch let error as MillraceError where error.kind == .corruption {
            return error.message
        }
    }
}
