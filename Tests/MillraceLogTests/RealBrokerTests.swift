import Foundation
import MillraceCore
import MillraceFormats
import Testing

@testable import MillraceLog

/// Partition directories go from a real broker to the log and back. Needs what `RealKafkaTests` needs, and says so there when it is skipped.
@Suite struct RealBrokerTests {
    @Test(.enabled(if: RealKafkaTests.kafka != nil)) func directoriesOfPartitionsGoBothWays() throws {
        let kafka = try #require(RealKafkaTests.kafka)
        let cluster = try TemporaryDirectory()
        let data = try TemporaryDirectory()
        let port = "\(Int.random(in: 2000..<3000) * 10)"
        func broker(_ arguments: String...) throws -> String {
            let result = try RealKafkaTests.run("/usr/bin/env", ["timeout", "60", kafka] + arguments)
            #expect(result.status == 0, "\(arguments): \(result.output.suffix(500))")
            return result.output
        }
        _ = try broker("start", cluster.path, "-p", port)
        defer { _ = try? RealKafkaTests.run("/usr/bin/env", ["timeout", "60", kafka, "stop", cluster.path]) }
        for topic in ["theirs", "ours"] {
            _ = try broker(
                "tool", cluster.path, "topics", "--create", "--topic", topic, "--partitions", "1", "--config", "segment.bytes=1048576")
        }
        _ = try broker(
            "tool", cluster.path, "producer-perf", "--topic", "theirs", "--num-records", "20000", "--record-size", "120", "--throughput",
            "-1",
            "--producer-props", "bootstrap.servers=127.0.0.1:\(port)", "compression.type=lz4", "enable.idempotence=true")
        _ = try broker("stop", cluster.path)
        let brokerData = cluster.path + "/data1"

        // From the broker to the log.
        let log = try EmbeddedLog.open(at: data.path)
        try log.adoptTopic("theirs", from: brokerData)
        let theirs = TopicPartition("theirs", 0)
        #expect(try log.offsetRange(of: theirs) == 0..<20000)
        let records = try log.readAll(theirs)
        #expect(records.map(\.offset) == Array(0..<20000))
        #expect(records.allSatisfy { $0.record.value?.utf8.count == 120 && $0.record.time > 1_600_000_000_000 })
        try log.write([PlainRecord(key: "k", value: "appended here")], to: theirs)
        #expect(try log.readAll(theirs, from: 20000).count == 1)

        // From the log to the broker: its own metadata stay, as the cluster knows the topic by its id.
        try log.createTopic(TopicSpecification("ours", partitions: 1, settings: ["segment.bytes": "20000", "compression.type": "zstd"]))
        let ours = TopicPartition("ours", 0)
        for commit in 0..<50 {
            try log.write((0..<100).map { PlainRecord(key: "key \($0)", value: "value \(commit)", time: 1_700_000_000_000) }, to: ours)
        }
        try log.close()
        let target = brokerData + "/ours-0"
        for name in try FileManager.default.contentsOfDirectory(atPath: target) where name.hasPrefix("0") {
            try FileManager.default.removeItem(atPath: target + "/" + name)
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: data.path + "/ours-0") where name.hasPrefix("0") {
            try FileManager.default.copyItem(atPath: data.path + "/ours-0/" + name, toPath: target + "/" + name)
        }
        _ = try broker("start", cluster.path, "-p", port)
        #expect(try broker("tool", cluster.path, "get-offsets", "--topic", "ours").contains("ours:0:5000"))
        let consumed = try broker(
            "tool", cluster.path, "verifiable-consumer", "--topic", "ours", "--group-id", "g", "--max-messages", "5000", "--reset-policy",
            "earliest")
        #expect(consumed.contains("\"count\":") && consumed.contains("\"maxOffset\":4999"), "\(consumed.suffix(500))")
    }
}
