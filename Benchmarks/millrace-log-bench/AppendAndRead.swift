import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceFormats
import MillraceLog

/// The counterparts of Kafka's producer-perf and consumer-perf.
enum AppendAndRead {
    static let append = CommandTree.Branch.command(
        "append",
        CommandLineTable(
            name: "millrace-log-bench append", summary: "Appends records without keys, in commits of 1 MiB.", operands: "DIR",
            options: [
                .init("records", value: "N", "How many. Default: 1000000."), .init("size", value: "BYTES", "Of a value. Default: 100."),
                .init("partitions", value: "N", "Default: 1."), .init("kill", "End as kill -9 does, without closing the log."),
            ]), runAppend)

    static let read = CommandTree.Branch.command(
        "read",
        CommandLineTable(
            name: "millrace-log-bench read", summary: "Reads all that append wrote, from the start, and decodes each record.",
            operands: "DIR",
            options: [.init("times", value: "N", "How often. Default: 1.")]), runRead)

    private static let commitBytes = 1 << 20

    @Sendable private static func runAppend(_ arguments: ParsedArguments) throws {
        let records = try arguments.integer("records", in: 1...10_000_000_000) ?? 1_000_000
        let size = try arguments.integer("size", in: 0...1_000_000) ?? 100
        let partitions = Int32(try arguments.integer("partitions", in: 1...1000) ?? 1)
        let measurement = Measurement()
        let log = try EmbeddedLog.open(at: try LogBench.directory(arguments), options: LogBench.options())
        try log.createTopic(TopicSpecification(LogBench.topic, partitions: partitions))
        let appender = try log.openAppender(to: LogBench.topic, named: "bench", group: "bench")
        let value = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        try value.withUnsafeBytes { value in
            for number in 0..<records {
                try appender.append(key: nil, value: value, timestamp: Timestamp(milliseconds: Int64(number)))
                if appender.byteCount >= commitBytes { try appender.commit() }
            }
        }
        try appender.commit()
        let kills = arguments.has("kill")
        if !kills { try log.close() }
        measurement.report(
            "append", records: records, bytes: records * size, "size=\(size)", "partitions=\(partitions)",
            "peak_mb=\(Measurement.peakMegabytes())")
        fflush(nil)
        if kills { LogBench.die() }
    }

    @Sendable private static func runRead(_ arguments: ParsedArguments) throws {
        for _ in 0..<(try arguments.integer("times", in: 1...1000) ?? 1) {
            let measurement = Measurement()
            let log = try EmbeddedLog.observe(at: try LogBench.directory(arguments), options: LogBench.options())
            let (records, bytes) = try readAll(log)
            measurement.report("read", records: records, bytes: bytes, "peak_mb=\(Measurement.peakMegabytes())")
        }
    }

    /// Reads the topic from start to end, and returns how many records there were and the bytes of their values.
    static func readAll(_ log: EmbeddedLog) throws -> (records: Int, bytes: Int) {
        guard let topic = try log.describeTopic(LogBench.topic) else { throw CommandLineError("There is nothing to read.") }
        let session = try log.openSession(named: "bench reader", group: "bench reader")
        let partitions = (0..<topic.partitions).map { TopicPartition(topic.name, $0) }
        try session.assign(Dictionary(uniqueKeysWithValues: try partitions.map { ($0, try log.offsetRange(of: $0).lowerBound) }))
        var records = 0
        var bytes = 0
        let scratch = ByteBuffer()
        while true {
            let fetched = try session.poll(maxBytes: 1 << 20, timeout: .zero)
            if fetched.isEmpty { return (records, bytes) }
            for batches in fetched {
                var cursor = RecordBatchCursor(batches.bytes)
                while let batch = try cursor.next() {
                    var found = try batch.records(decompressingInto: scratch)
                    while let record = try found.next() {
                        bytes &+= record.value?.count ?? 0
                        records += 1
                    }
                }
            }
        }
    }
}
