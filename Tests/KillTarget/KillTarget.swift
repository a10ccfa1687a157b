import CKillAt
import Foundation
import Millrace
import MillraceFormats

/// Counts in a data directory until all is counted, and looks at every result: to be killed at any moment and started again.
///
///     kill-target DIRECTORY RECORDS
///
/// Ends with 0 when the output is exactly that of an undisturbed run, with 1 and a message otherwise. Segments, commits, memory and files are small, so that everything happens often.
@main
struct KillTarget {
    static func main() async {
        kill_at_begin()
        do {
            guard CommandLine.arguments.count == 3, let records = Int(CommandLine.arguments[2]) else {
                throw MillraceError(.configuration, "Usage: kill-target DIRECTORY RECORDS")
            }
            try await KillTarget(records: records, directory: CommandLine.arguments[1]).run()
        } catch {
            FileHandle.standardError.write(Data("kill-target: \(error)\n".utf8))
            exit(1)
        }
    }

    let records: Int
    let directory: String
    private let partitions: Int32 = 2
    private let small = ["segment.bytes": "20000", "retention.ms": "-1"]

    /// Each comes again, but not soon: a changelog has a record for each, so many that a restore makes files of them.
    private func key(_ number: Int) -> String { "k\(number % 5000)" }
    private func group(_ number: Int) -> String { "g\(number * 31 % 37)" }

    private func run() async throws {
        let log = try EmbeddedLog.open(at: directory + "/log")
        for topic in ["in", "keys", "groups"] where try log.describeTopic(topic) == nil {
            try log.createTopic(TopicSpecification(topic, partitions: partitions, settings: small))
        }
        try write(to: log)
        let builder = StreamsBuilder()
        let lines: KStream<String, String> = builder.stream("in")
        lines.groupByKey().count(in: "keys-counted").toStream().to("keys")
        lines.groupBy { _, value in String(value.prefix { $0 != " " }) }.count(in: "groups-counted").toStream().to("groups")
        var configuration = StreamsConfiguration(applicationID: "app")
        configuration.threads = 2
        configuration.memoryBudget = 12 << 20
        configuration.commitInterval = .milliseconds(2)
        configuration.internalTopicSettings = small
        let backend = StreamsBackend.embedded(log, statePath: directory + "/state", stateMemory: 256 << 10)
        let app = StreamsApp(try builder.build(), on: backend, configuration: configuration)
        app.shutDownWhenIdle()
        try await app.run()
        try check(log, "keys", (0..<records).map(key))
        try check(log, "groups", (0..<records).map(group))
        try log.close()
    }

    /// Writes what is missing of the input: a commit holds all of its records or none, so their number says where to go on.
    private func write(to log: EmbeddedLog) throws {
        let appender = try log.openAppender(to: "in", named: "input", group: "input")
        defer { appender.close() }
        let written = try (0..<partitions).reduce(0) { try $0 + Int(log.offsetRange(of: TopicPartition("in", $1)).upperBound.value) }
        for number in written..<max(written, records) {
            let value = "\(group(number)) \(String(repeating: "x", count: 40))"
            try appender.append(key: key(number), value: value, timestamp: Timestamp(milliseconds: Int64(number)))
            if number % 100 == 99 { try appender.commit() }
        }
        try appender.commit()
    }

    /// The counts of each key are 1, 2, 3 and so on, up to how often it is in the input.
    private func check(_ log: EmbeddedLog, _ topic: String, _ keys: [String]) throws {
        var counts: [String: Int64] = [:]
        try log.forEachRecord(of: topic) { record in
            guard let bytes = record.key, let value = record.value, value.count == 8 else { throw wrong(topic, "a record is not whole") }
            let (key, count) = (String(decoding: bytes, as: UTF8.self), value.loadBigEndian(as: Int64.self))
            guard count == counts[key, default: 0] + 1 else {
                throw wrong(topic, "\(key) is counted \(count) after \(counts[key, default: 0])")
            }
            counts[key] = count
        }
        let expected = keys.reduce(into: [String: Int64]()) { $0[$1, default: 0] += 1 }
        guard counts == expected else { throw wrong(topic, "the last counts are not those of the input") }
    }

    private func wrong(_ topic: String, _ what: String) -> MillraceError {
        MillraceError(.corruption, "The output of \(topic) is wrong: \(what).")
    }
}
