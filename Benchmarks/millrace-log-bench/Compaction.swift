import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceLog

/// Compaction of a topic in which each key was written many times.
enum Compaction {
    static let command = CommandTree.Branch.command(
        "compact",
        CommandLineTable(
            name: "millrace-log-bench compact", summary: "Fills a compacted topic with values of 90 bytes and compacts it.",
            operands: "DIR",
            options: [
                .init("megabytes", value: "N", "Default: 200."), .init("keys", value: "N", "How many different ones. Default: 100000."),
            ]), run)

    @Sendable private static func run(_ arguments: ParsedArguments) throws {
        let bytes = (try arguments.integer("megabytes", in: 1...100_000) ?? 200) << 20
        let keys = try arguments.integer("keys", in: 1...1_000_000_000) ?? 100_000
        let log = try EmbeddedLog.open(at: try LogBench.directory(arguments), options: LogBench.options())
        let settings = ["cleanup.policy": "compact", "segment.bytes": "\(16 << 20)"]
        try log.createTopic(TopicSpecification(LogBench.topic, partitions: 1, settings: settings))
        let appender = try log.openAppender(to: LogBench.topic, named: "writer", group: "bench")
        let value = String(repeating: "v", count: 90)
        let count = bytes / 100
        for number in 0..<count {
            try appender.append(
                key: "key \(number &* 2_654_435_761 % keys)", value: value, timestamp: Timestamp(milliseconds: Int64(number)))
            if appender.byteCount >= 1 << 20 { try appender.commit() }
        }
        try appender.commit()
        let before = Measurement.peakMegabytes()
        let measurement = Measurement()
        try log.runCompaction(now: Timestamp(milliseconds: Int64(count)))
        measurement.report(
            "compact", records: count, bytes: bytes, "keys=\(keys)", "peak_mb_before=\(before)",
            "peak_mb_after=\(Measurement.peakMegabytes())")
        try log.close()
    }
}
