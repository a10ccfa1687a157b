import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceLog
import MillraceSystem

/// A log of thousands of partitions, all with data.
enum ManyPartitions {
    static let command = CommandTree.Branch.command(
        "partitions",
        CommandLineTable(
            name: "millrace-log-bench partitions",
            summary: "Makes topics of 100 partitions, and appends to all of them, round by round.", operands: "DIR",
            options: [
                .init("count", value: "N", "How many partitions in all, rounded up to hundreds. Default: 5000."),
                .init("rounds", value: "N", "Default: 10."), .init("kill", "End as kill -9 does, without closing the log."),
            ]), run)

    @Sendable private static func run(_ arguments: ParsedArguments) throws {
        let count = try arguments.integer("count", in: 1...1_000_000) ?? 5000
        let rounds = try arguments.integer("rounds", in: 1...1_000_000) ?? 10
        let log = try EmbeddedLog.open(at: try LogBench.directory(arguments), options: LogBench.options())
        let topics = (0..<(count + 99) / 100).map { "topic-\($0)" }
        let creation = Measurement()
        for topic in topics { try log.createTopic(TopicSpecification(topic, partitions: 100)) }
        creation.report("create", "partitions=\(topics.count * 100)")
        let value = String(repeating: "v", count: 1000)
        let nothing: String? = nil
        let appending = Measurement()
        for round in 0..<rounds {
            for topic in topics {
                let appender = try log.openAppender(to: topic, named: "bench", group: "bench")
                for number in 0..<1000 {
                    try appender.append(key: "\(number)", value: round == 0 ? value : nothing, timestamp: SystemClock().now())
                }
                try appender.commit()
            }
        }
        appending.report(
            "append", records: rounds * topics.count * 1000, "peak_mb=\(Measurement.peakMegabytes())",
            "open_files=\(Measurement.openFiles())")
        fflush(nil)
        if arguments.has("kill") { LogBench.die() }
        let closing = Measurement()
        try log.close()
        closing.report("close")
    }
}
