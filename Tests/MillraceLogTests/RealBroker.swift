import Foundation
import MillraceCore
import MillraceFormats
import Testing

@testable import MillraceLog

/// A real broker of `shared/kafka` in a directory of its own, and the probe that speaks to it.
final class RealBroker {
    private let path: String
    private let kafka: String
    private let port: Int
    private var isRunning = false

    /// Whether there is a Kafka, and tests that start brokers were asked for: they take minutes.
    static let isWanted: Bool = {
        guard ProcessInfo.processInfo.environment["MILLRACE_KAFKA_TESTS"] == "1" else {
            print("SKIPPED: BrokerDirectoryTests, which start a real broker, run with \"make test-kafka\".")
            return false
        }
        return RealKafkaTests.kafka != nil
    }()

    /// The broker's log directory.
    var data: String { path + "/data1" }

    init(_ path: String) throws {
        self.path = path
        kafka = try #require(RealKafkaTests.kafka)
        // Two ports of its own for each test process.
        port = 21_000 + Int(ProcessInfo.processInfo.processIdentifier % 5000) * 4
    }

    func start() throws {
        // The broker lives on: it must keep open neither a pipe nor what `Process` knows the end of its process by.
        let said = NSTemporaryDirectory() + "millrace-broker-start-\(port)"
        try Data().write(to: URL(fileURLWithPath: said))
        defer { try? FileManager.default.removeItem(atPath: said) }
        let process = Process()
        let closing = "for f in /proc/self/fd/*; do n=${f##*/}; if [ $n -gt 2 ] && [ $n -ne 255 ]; then eval \"exec $n>&-\"; fi; done"
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", closing + "; exec \"$0\" \"$@\"", kafka, "start", path, "-p", "\(port)"]
        process.standardOutput = FileHandle(forWritingAtPath: said)
        process.standardError = process.standardOutput
        isRunning = true
        try process.run()
        process.waitUntilExit()
        let output = try String(contentsOfFile: said, encoding: .utf8)
        try #require(process.terminationStatus == 0, "\(output)")
    }

    func stop() {
        guard isRunning else { return }
        isRunning = false
        #expect((try? RealKafkaTests.run(kafka, ["stop", path]).status) == 0)
    }

    /// Runs `Broker/Probe.java` and returns the records that it printed.
    func probe(_ command: String, _ topics: [String] = []) throws -> [String] {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Broker/Probe.java"
        let classes = try RealKafkaTests.run(kafka, ["classpath"]).output.split(separator: "\n").first.map(String.init) ?? ""
        let result = try RealKafkaTests.run(
            "/usr/bin/env",
            [
                "java", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp", classes, source,
                "127.0.0.1:\(port)", command,
            ] + topics)
        let lines = result.output.split(separator: "\n").map(String.init)
        try #require(lines.last == "done", "\(result.output.suffix(3000))")
        return Array(lines.dropLast())
    }

    func topicID(_ topic: String) throws -> TopicID {
        try PartitionMetadata(text: String(contentsOfFile: data + "/\(topic)-0/\(PartitionMetadata.fileName)", encoding: .utf8)).topicID
    }

    /// Puts the log's files of a topic in the place of the broker's, as the document of the format says.
    func take(_ topic: String, from log: String) throws {
        let files = FileManager.default
        let target = data + "/\(topic)-0"
        let source = log + "/\(topic)-0"
        for name in try files.contentsOfDirectory(atPath: target) where name != PartitionMetadata.fileName {
            try files.removeItem(atPath: target + "/" + name)
        }
        for name in try files.contentsOfDirectory(atPath: source) where name != PartitionMetadata.fileName {
            try files.copyItem(atPath: source + "/" + name, toPath: target + "/" + name)
        }
    }

    /// Notes where a partition starts, in the broker's own list.
    func setStartOffset(of topic: String, _ offset: Int64) throws {
        let file = data + "/log-start-offset-checkpoint"
        var lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").dropFirst(2).filter {
            !$0.hasPrefix(topic + " ")
        }
        lines.append("\(topic) 0 \(offset)")
        try "0\n\(lines.count)\n\(lines.joined(separator: "\n"))\n".write(toFile: file, atomically: true, encoding: .utf8)
    }

    /// What the broker found wrong with its partitions when it last ran.
    func complaints() -> [String] {
        let text = (try? String(contentsOfFile: path + "/1.log", encoding: .utf8)) ?? "there is no log of the broker"
        let signs = ["orrupt", "runcat", "stray", "Exception", "Found invalid", "is not consistent", "ebuilding index"]
        return text.split(separator: "\n").map(String.init).filter { line in
            (line.contains(" ERROR ") || line.contains(" WARN ") || line.hasPrefix("[main] WARN") || line.contains("[log")
                || line.contains("-0"))
                && signs.contains { line.contains($0) }
        }
    }
}
