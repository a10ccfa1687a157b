import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceFormats
import MillraceLog
import MillraceSystem

/// `millrace produce`
enum ProduceCommand {
    static let table = CommandLineTable(
        name: "millrace produce", summary: "Appends the lines of the standard input to a topic, a record each. The app must be stopped.",
        operands: "TOPIC",
        options: [
            .init(
                "key-separator", value: "TEXT",
                "What stands between key and value on each line; \\t is a tab. Without it there are no keys."),
            .init("key", value: "KEY", "The key of all records."),
            .init("key-format", value: "FORMAT", "How keys are written: \(ByteFormat.names). Default: text."),
            .init("value-format", value: "FORMAT", "How values are written. Default: text."),
            .init("null", value: "TEXT", "A value that is exactly this becomes a null: in a table it deletes the key."),
            .init("header", value: "NAME=VALUE", "A header of all records; may be given several times."),
            .init(
                "timestamp", value: "TIME", "The time of all records: milliseconds since 1970, or like 2026-01-31T12:00:00Z. Default: now."),
            .init("partition", value: "N", "Where all records go. Default: by key as Kafka does, in turn without keys."),
            .init("compression", value: "CODEC", "none, gzip, snappy, lz4 or zstd. Default: none."),
            .init("each-line", "Commit each line at once, for input that comes slowly."), DataAccess.option,
        ],
        footer: """
            Lines are committed together, about a megabyte at a time; each commit is on the disk before the next begins.

            Examples:
              millrace produce words < book.txt
              printf 'apple:3\\npear:5\\n' | millrace produce stock --key-separator : --value-format int64
              echo '{"user":"anna"}' | millrace produce clicks --value-format json --header source=shell
            """)

    private static let commitBytes = 1 << 20

    @Sendable static func run(_ arguments: ParsedArguments) throws {
        let topic = try DataAccess.operand(arguments, "topic")
        let parser = try LineParser(arguments)
        let partition = try arguments.integer("partition", in: 0...Int(Int32.max)).map { Partition($0) }
        let time = try arguments["timestamp"].map { try Position.time($0, option: "timestamp") }
        let codec = arguments["compression"] ?? "none"
        guard let compression = Compression(named: codec) else {
            throw CommandLineError("--compression is one of \(Compression.allCases.map(\.name).joined(separator: ", ")), not \"\(codec)\".")
        }
        var count = 0
        try DataAccess.write(arguments) { log in
            _ = try DataAccess.topic(topic, in: log)
            let appender = try log.openAppender(to: topic, named: "millrace produce", group: "millrace produce", compression: compression)
            let clock = SystemClock()
            while let line = readLine() {
                let record = try parser.record(line, number: count + 1)
                try withBytes(record.key) { key in
                    try withBytes(record.value) { value in
                        try appender.append(
                            key: key, value: value, timestamp: time ?? clock.now(), headers: parser.headers, partition: partition)
                    }
                }
                count += 1
                if arguments.has("each-line") || appender.byteCount > commitBytes { try appender.commit() }
            }
            try appender.commit()
        }
        FileHandle.standardError.write(Data("\(count) record\(count == 1 ? "" : "s") appended to \(topic).\n".utf8))
    }

    private static func withBytes<Result>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Result) rethrows -> Result {
        guard let bytes else { return try body(nil) }
        return try bytes.withUnsafeBytes { try body($0) }
    }
}

/// Takes a line apart into a record.
private struct LineParser {
    let separator: String?
    let key: String?
    let keyFormat: ByteFormat
    let valueFormat: ByteFormat
    let null: String?
    let headers: Headers

    init(_ arguments: ParsedArguments) throws {
        separator = arguments["key-separator"].map { $0 == "\\t" ? "\t" : $0 }
        guard separator != "" else { throw CommandLineError("--key-separator cannot be empty.") }
        key = arguments["key"]
        keyFormat = try ByteFormat.of("key-format", arguments)
        valueFormat = try ByteFormat.of("value-format", arguments)
        null = arguments["null"]
        headers = Headers(
            try arguments.all("header").map { text in
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw CommandLineError("--header takes NAME=VALUE, not \"\(text)\".") }
                return Header(String(parts[0]), text: String(parts[1]))
            })
    }

    func record(_ line: String, number: Int) throws -> (key: [UInt8]?, value: [UInt8]?) {
        var key = key
        var value = Substring(line)
        if let separator {
            guard let place = line.firstRange(of: separator) else {
                throw MillraceError(
                    .serialization,
                    "Line \(number) has no \"\(separator)\" between a key and a value. Records before it may have been appended.")
            }
            key = String(line[..<place.lowerBound])
            value = line[place.upperBound...]
        }
        do {
            return (try key.flatMap { try keyFormat.bytes($0) }, null == String(value) ? nil : try valueFormat.bytes(String(value)))
        } catch let error as MillraceError {
            throw MillraceError(.serialization, "Line \(number): \(error.message) Records before it may have been appended.")
        }
    }
}
