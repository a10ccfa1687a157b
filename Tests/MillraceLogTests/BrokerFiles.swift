import Foundation
import MillraceCore
import MillraceFormats
import RealKafka
import Testing

@testable import MillraceLog

/// What the broker of a cluster of one has on its disk, and the probe that speaks to it.
extension RealCluster {
    /// The broker's log directory.
    var data: String { directory + "/data1" }

    /// Runs `Broker/Probe.java` and returns the records that it printed.
    func probe(_ command: String, _ topics: [String] = []) throws -> [String] {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Broker/Probe.java"
        let result = try OutsideProgram.run(
            "/usr/bin/env",
            [
                "java", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp", RealKafka.classPath(), source,
                bootstrapServers, command,
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
        let text = (try? String(contentsOfFile: directory + "/1.log", encoding: .utf8)) ?? "there is no log of the broker"
        let signs = ["orrupt", "runcat", "stray", "Exception", "Found invalid", "is not consistent", "ebuilding index"]
        return text.split(separator: "\n").map(String.init).filter { line in
            (line.contains(" ERROR ") || line.contains(" WARN ") || line.hasPrefix("[main] WARN") || line.contains("[log")
                || line.contains("-0"))
                && signs.contains { line.contains($0) }
        }
    }
}
