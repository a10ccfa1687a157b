import Foundation
import MillraceCore
import MillraceFormats
import RealKafka
import Testing

@testable import MillraceLog

/// Kafka's own tools read what the log writes.
@Suite struct RealKafkaTests {
    @Test(.enabled(if: RealKafka.script != nil)) func dumpLogReadsOurSegmentsAndIndexes() throws {
        let kafka = try #require(RealKafka.script)
        let directory = try TemporaryDirectory()
        let cluster = try TemporaryDirectory()
        try "n=1\nbase=19092\n".write(toFile: cluster.path + "/cluster", atomically: true, encoding: .utf8)
        let log = try EmbeddedLog.open(at: directory.path)
        var counts: [Int] = []
        let compressions = ["producer", "gzip", "snappy", "lz4", "zstd"]
        for (number, compression) in compressions.enumerated() {
            let topic = "topic-\(compression)"
            try log.createTopic(
                TopicSpecification(
                    topic, partitions: 1,
                    settings: ["compression.type": compression, "segment.bytes": "20000", "index.interval.bytes": "1000"]))
            let appender = try log.openAppender(to: topic, named: "a", group: "g")
            for commit in 0..<10 {
                for record in 0..<40 * (number + 1) {
                    let time = Timestamp(milliseconds: Int64(1_700_000_000_000 + commit * 1000 + record))
                    try appender.append(
                        key: "key \(record)", value: record % 7 == 0 ? nil : String(repeating: "value \(record) ", count: 5),
                        timestamp: time,
                        headers: record % 3 == 0 ? [Header("h", text: "\(commit)"), Header("null", nil)] : [])
                }
                try appender.commit()
            }
            counts.append(400 * (number + 1))
        }
        try log.close()
        var files: [String] = []
        for compression in compressions {
            let partition = directory.path + "/topic-\(compression)-0"
            for name in try FileManager.default.contentsOfDirectory(atPath: partition).sorted() where name.hasPrefix("0") {
                files.append(partition + "/" + name)
            }
        }
        #expect(files.filter { $0.hasSuffix(".log") }.count > 8)
        let result = try OutsideProgram.run(
            kafka, ["tool", cluster.path, "dump-log", "--deep-iteration", "--print-data-log", "--files", files.joined(separator: ",")])
        #expect(result.status == 0, "\(result.output.suffix(2000))")
        let lines = result.output.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("| offset:") }.count == counts.reduce(0, +))
        #expect(lines.filter { $0.contains("isvalid: true") }.count >= 50)
        // The tool finds it remarkable when a segment does not start at offset 0 ("-1 is followed by"): a real broker's segments get that too.
        let signs = ["isvalid: false", "ismatch", "out of order", "invalid bytes", "Exception", "is followed by"]
        let complaints = lines.filter { line in signs.contains { line.contains($0) } && !line.hasPrefix("  -1 is followed by") }
        #expect(complaints.isEmpty, "\(complaints.prefix(5))")
    }
}
