import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceLog
import MillraceSystem

/// How long it takes until a log that is there can be used.
enum Opening {
    static let command = CommandTree.Branch.command(
        "open",
        CommandLineTable(
            name: "millrace-log-bench open",
            summary: "Opens the log in a directory, commits a record to its first topic, reads the record, and says when each was done.",
            operands: "DIR", options: []), run)

    @Sendable private static func run(_ arguments: ParsedArguments) throws {
        let measurement = Measurement()
        let log = try EmbeddedLog.open(at: try LogBench.directory(arguments), options: LogBench.options())
        let opened = measurement.seconds
        guard let topic = try log.listTopics().first else { throw CommandLineError("There is no topic in the log.") }
        let partition = TopicPartition(topic, 0)
        let end = try log.offsetRange(of: partition).upperBound
        let appender = try log.openAppender(to: topic, named: "bench", group: "bench")
        let nothing: String? = nil
        try appender.append(key: nothing, value: "more", timestamp: SystemClock().now(), headers: [])
        try appender.commit()
        let appended = measurement.seconds
        let session = try log.openSession(named: "reader", group: "bench")
        try session.assign([partition: end])
        _ = try session.poll(maxBytes: 1 << 20, timeout: .zero)
        measurement.report(
            "open", "opened_ms=\(milliseconds(opened))", "first_commit_ms=\(milliseconds(appended))",
            "first_read_ms=\(milliseconds(measurement.seconds))", "peak_mb=\(Measurement.peakMegabytes())",
            "open_files=\(Measurement.openFiles())")
        try log.close()
    }

    private static func milliseconds(_ seconds: Double) -> String { String(format: "%.1f", seconds * 1000) }
}
