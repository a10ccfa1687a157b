import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceLog

/// Commits that each wait for the disk, by several threads at once.
enum GroupCommit {
    static let command = CommandTree.Branch.command(
        "commits",
        CommandLineTable(
            name: "millrace-log-bench commits",
            summary: "Commits one record at a time with a sync for each commit, by several threads: those that come at once share a sync.",
            operands: "DIR",
            options: [.init("threads", value: "N", "Default: 1."), .init("times", value: "N", "For each thread. Default: 200.")]), run)

    @Sendable private static func run(_ arguments: ParsedArguments) throws {
        let threads = try arguments.integer("threads", in: 1...1000) ?? 1
        let times = try arguments.integer("times", in: 1...1_000_000) ?? 200
        let log = try EmbeddedLog.open(at: try LogBench.directory(arguments), options: LogBench.options(.onCommit))
        try log.createTopic(TopicSpecification(LogBench.topic, partitions: 1))
        let ended = DispatchGroup()
        let measurement = Measurement()
        for number in 0..<threads {
            ended.enter()
            Thread.detachNewThread {
                defer { ended.leave() }
                do {
                    let appender = try log.openAppender(to: LogBench.topic, named: "writer \(number)", group: "bench")
                    for time in 0..<times {
                        try appender.append(key: nil, value: "x", timestamp: Timestamp(milliseconds: Int64(time)))
                        try appender.commit()
                    }
                } catch {
                    print("commits failed: \(error)")
                }
            }
        }
        ended.wait()
        let rate = Int(Double(threads * times) / measurement.seconds)
        measurement.report("commits", records: threads * times, "threads=\(threads)", "commits_per_s=\(rate)")
        try log.close()
    }
}
