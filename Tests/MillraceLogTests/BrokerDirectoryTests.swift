import Foundation
import MillraceCore
import MillraceFormats
import RealKafka
import Testing

@testable import MillraceLog

/// Partition directories that go from a real broker to the log, from the log to the broker, and back. One broker, started twice; see `RealKafka` for what it needs.
@Suite struct BrokerDirectoryTests {
    /// A record as both sides tell it: topic, partition, offset, timestamp, key, value, headers.
    private typealias Line = String

    @Test(.enabled(if: RealKafka.isWanted)) func directoriesGoBothWays() throws {
        let directory = try TemporaryDirectory()
        let broker = try RealCluster(in: directory.path + "/broker", starts: false)
        defer { broker.stop() }

        // What a broker wrote, in all its kinds.
        try broker.start()
        let written = try broker.probe("fill")
        broker.stop()
        let log = try EmbeddedLog.open(at: directory.path + "/log")
        let topics = ["kinds", "bank", "table", "keys"]
        for topic in topics {
            let adopted = try log.adoptTopic(topic, from: broker.data)
            #expect(try adopted.id == broker.topicID(topic))
            // Kafka's reader waits before a transaction that has not ended; here it can end no more, so what lies behind it is shown.
            let found = try lines(log, topic).filter {
                !$0.hasSuffix(" x" + Array("behind it".utf8).map { String($0, radix: 16) }.joined())
            }
            #expect(found == written.filter { $0.hasPrefix(topic + " ") }.sorted(), "\(topic)")
        }
        checkKinds(log, written)
        try checkBank(log)
        try checkPartitioner(log, written)

        // What the log wrote goes to the broker: as it is, compacted and shortened, and what came from there.
        try writeOurs(log)
        try writeCleaned(log)
        let given = ["ours", "cleaned", "bank"]
        let ours = try given.flatMap { try lines(log, $0) }
        let starts = try given.map { try log.offsetRange(of: TopicPartition($0, 0)).lowerBound.value }
        #expect(starts[0] > 0)
        try log.close()
        for topic in given { try broker.take(topic, from: log.path) }
        try broker.setStartOffset(of: "ours", starts[0])
        try broker.start()
        let read = try broker.probe("read", given)
        #expect(read.sorted() == ours.sorted())
        let appended = try broker.probe("append", given)
        broker.stop()
        #expect(appended.count == ours.count + 4 * given.count)
        #expect(broker.complaints() == [])

        // And back again, with what the broker added.
        let again = try EmbeddedLog.open(at: directory.path + "/again")
        for topic in given { try again.adoptTopic(topic, from: broker.data) }
        #expect(try given.flatMap { try lines(again, $0) }.sorted() == appended.sorted())
        let start = try again.offsetRange(of: TopicPartition("ours", 0)).lowerBound.value
        #expect(start == starts[0])
    }

    /// Compressions, headers, nulls; records before the broker's log start stay hidden.
    private func checkKinds(_ log: EmbeddedLog, _ written: [Line]) {
        let files = segments(log.path, "kinds-0")
        #expect(files.count >= 5)
        #expect(written.contains { $0.contains(" null ") } && written.contains { $0.contains(" round=x31 none=null") })
        #expect((try? log.offsetRange(of: TopicPartition("kinds", 1)).lowerBound) == 9)
    }

    /// Aborted and unfinished transactions are not delivered, nor are markers; readers go on behind them, and an app's record may follow.
    private func checkBank(_ log: EmbeddedLog) throws {
        let partition = TopicPartition("bank", 0)
        let found = try log.readAll(partition).filter { $0.record.key != nil }
        #expect(found.contains { $0.record.value == "behind it" } && !found.contains { $0.record.value == "never ended" })
        #expect(!found.contains { $0.record.key == "first" && ($0.record.value?.hasPrefix("1.") ?? false) })
        #expect(found.contains { $0.record.key == "first" && ($0.record.value?.hasPrefix("2.") ?? false) })
        #expect(!found.contains { $0.record.key == "second" && ($0.record.value?.hasPrefix("0.") ?? false) })
        #expect(try markers(log, partition).sorted() == Array(repeating: "abort", count: 6) + Array(repeating: "commit", count: 6))
        let end = try log.offsetRange(of: partition).upperBound
        for offset in stride(from: 0, through: end.value, by: 3) {
            let rest = try log.readAll(partition, from: offset).filter { $0.record.key != nil }
            #expect(rest.map(\.offset) == found.map(\.offset).filter { $0 >= offset })
        }
        let appended = try log.write([PlainRecord(key: "later", value: "here", time: 2_000_000_100_000)], to: partition)
        #expect(appended == end)
    }

    private func markers(_ log: EmbeddedLog, _ partition: TopicPartition) throws -> [String] {
        let session = try log.openSession(named: "markers", group: "markers")
        try session.assign([partition: 0])
        var found: [String] = []
        let scratch = ByteBuffer()
        while let fetched = try session.poll(maxBytes: 1 << 20, timeout: .zero).first {
            var cursor = RecordBatchCursor(fetched.bytes)
            while let batch = try cursor.next() { try batch.marker(scratch: scratch).map { found.append($0.kind.rawValue) } }
            withExtendedLifetime(fetched.owner) {}
        }
        return found
    }

    private func checkPartitioner(_ log: EmbeddedLog, _ written: [Line]) throws {
        var partitions: Set<Int32> = []
        for line in written where line.hasPrefix("keys ") {
            let words = line.split(separator: " ")
            let key = try #require(bytes(words[4]))
            let partition = key.withUnsafeBytes { Murmur2.partition(forKey: $0, count: 7) }
            #expect(words[1] == "\(partition)", "\(line)")
            partitions.insert(partition)
        }
        #expect(partitions.count == 7)
    }

    /// Several segments in all compressions, with headers, a log start behind the first and in the middle of a segment, and producer ids.
    private func writeOurs(_ log: EmbeddedLog) throws {
        try log.createTopic(TopicSpecification("ours", partitions: 1, settings: ["segment.bytes": "4000"]))
        for (round, compression) in [Compression.none, .gzip, .snappy, .lz4, .zstd].enumerated() {
            let appender = try log.openAppender(to: "ours", named: "a", group: "g", compression: compression)
            for number in 0..<60 {
                let text = "\(round) \(number)"
                try appender.append(
                    key: number % 9 == 0 ? nil : "key \(number)", value: number % 7 == 0 ? nil : String(repeating: text, count: 20),
                    timestamp: Timestamp(milliseconds: 2_000_000_000_000 + Int64(round * 1000 - number)),
                    headers: number % 4 == 0 ? [Header("round", text: text), Header("none", nil)] : [])
                if number % 6 == 5 { try appender.commit() }
            }
        }
        #expect(segments(log.path, "ours-0").count >= 4)
        try log.deleteRecords(before: [TopicPartition("ours", 0): 75])
        #expect((segments(log.path, "ours-0").first ?? 0) > 0)
    }

    private func writeCleaned(_ log: EmbeddedLog) throws {
        try log.createTopic(
            TopicSpecification("cleaned", partitions: 1, settings: ["segment.bytes": "1000", "cleanup.policy": "compact"]))
        for number in 0..<200 {
            let value = number % 11 == 10 ? nil : "value \(number)"
            let record = PlainRecord(key: "key \(number % 13)", value: value, time: 2_000_000_000_000 + Int64(number))
            try log.write([record, PlainRecord(key: "each", value: "\(number)", time: record.time)], to: TopicPartition("cleaned", 0))
        }
        try log.runCompaction(now: Timestamp(milliseconds: 2_000_000_001_000))
        try log.write([PlainRecord(key: "last", value: "one", time: 2_000_000_002_000)], to: TopicPartition("cleaned", 0))
        #expect(try log.readAll(TopicPartition("cleaned", 0)).count < 100)
    }

    /// The base offsets of a partition's segments.
    private func segments(_ path: String, _ partition: String) -> [Int64] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path + "/" + partition)) ?? []).compactMap(SegmentFiles.baseOffset(ofLog:))
            .sorted()
    }

    private func bytes(_ hex: Substring) -> [UInt8]? {
        guard hex.first == "x" else { return nil }
        let digits = Array(hex.dropFirst().utf8)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16) ?? 0 }
    }

    /// All records of a topic that an app would see, as the probe prints them.
    private func lines(_ log: EmbeddedLog, _ topic: String) throws -> [Line] {
        var lines: [Line] = []
        let scratch = ByteBuffer()
        let session = try log.openSession(named: "lines", group: "lines")
        for number in 0..<(try #require(try log.describeTopic(topic)).partitions) {
            let partition = TopicPartition(topic, number)
            let start = try log.offsetRange(of: partition).lowerBound
            try session.assign([partition: start])
            while true {
                let fetched = try session.poll(maxBytes: 1 << 20, timeout: .zero)
                if fetched.isEmpty { break }
                for batches in fetched {
                    var cursor = RecordBatchCursor(batches.bytes)
                    while let batch = try cursor.next() {
                        if batch.isControl { continue }
                        var records = try batch.records(decompressingInto: scratch)
                        while let record = try records.next() {
                            if record.offset >= start { lines.append("\(topic) \(number) " + (try line(record))) }
                        }
                    }
                    withExtendedLifetime(batches.owner) {}
                }
            }
        }
        return lines.sorted()
    }

    private func line(_ record: RawRecord) throws -> String {
        func hex(_ bytes: (some Sequence<UInt8>)?) -> String {
            bytes.map { bytes in "x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() } ?? "null"
        }
        let headers = try record.headers.decoded().map { " \($0.name)=\(hex($0.value))" }.joined()
        return "\(record.offset) \(record.timestamp.milliseconds) \(hex(record.key)) \(hex(record.value))\(headers)"
    }
}
