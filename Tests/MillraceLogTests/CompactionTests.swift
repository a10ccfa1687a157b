import Foundation
import MillraceCore
import MillraceFormats
import MillraceSystem
import Testing

@testable import MillraceLog

/// What stays after a compaction, and who sees it.
@Suite struct CompactionTests {
    let directory: TemporaryDirectory
    let t = TopicPartition("t", 0)

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func open(_ housekeeping: Housekeeping? = nil) throws -> EmbeddedLog {
        try EmbeddedLog.open(at: directory.path, options: EmbeddedLogOptions(durability: .system, housekeeping: housekeeping))
    }

    private func create(_ log: EmbeddedLog, _ settings: [String: String] = [:]) throws {
        let all = ["cleanup.policy": "compact", "segment.bytes": "1000", "index.interval.bytes": "100"].merging(settings) { $1 }
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: all))
    }

    /// Random writes of few keys, and what a table of them holds in the end.
    private func fill(_ log: EmbeddedLog, _ count: Int, seed: UInt64, keys: Int = 10) throws -> [String: String?] {
        var generator = SeededGenerator(seed: seed)
        var table: [String: String?] = [:]
        for number in 0..<count {
            let key = "key \(Int.random(in: 0..<keys, using: &generator))"
            let value = Int.random(in: 0..<5, using: &generator) == 0 ? nil : "value \(number)"
            table[key] = .some(value)
            try log.write([PlainRecord(key: key, value: value, time: Int64(number))], to: t)
        }
        return table
    }

    private func table(_ records: [(offset: Int64, record: PlainRecord)]) -> [String: String?] {
        var table: [String: String?] = [:]
        for (_, record) in records { table[record.key ?? ""] = .some(record.value) }
        return table
    }

    @Test(arguments: [1 << 20, 64 * 24], ["producer", "zstd"])
    func theTableStaysTheSameAndOffsetsDoNotChange(_ memory: Int, _ compression: String) throws {
        let log = try open()
        try create(log, ["compression.type": compression])
        let expected = try fill(log, 300, seed: 1, keys: 60)
        let before = Dictionary(uniqueKeysWithValues: try log.readAll(t).map { ($0.offset, $0.record) })
        for _ in 0..<12 { try log.runCompaction(now: 1000, memory: memory) }
        let after = try log.readAll(t)
        #expect(table(after) == expected)
        #expect(after.count < 150)
        #expect(after.allSatisfy { before[$0.offset] == $0.record })
        #expect(after.map(\.offset) == after.map(\.offset).sorted())
        #expect(try log.offsetRange(of: t) == 0..<300)
        for start in stride(from: Int64(0), to: 300, by: 13) {
            #expect(try log.readAll(t, from: start).map(\.offset) == after.map(\.offset).filter { $0 >= start })
        }
        try log.close()
        #expect(try open().readAll(t).map(\.record) == after.map(\.record))
    }

    @Test func tombstonesStayForTheirTimeAndThenGo() throws {
        let log = try open()
        try create(log, ["delete.retention.ms": "500"])
        try log.write([PlainRecord(key: "a", value: "1", time: 1)], to: t)
        try log.write([PlainRecord(key: "a", value: nil, time: 2)], to: t)
        func fillUp() throws {
            for number in 0..<30 { try log.write([PlainRecord(key: "other", value: "\(number)", time: 3)], to: t) }
        }
        try fillUp()
        try log.runCompaction(now: 1000)
        #expect(try log.readAll(t).first?.record == PlainRecord(key: "a", value: nil, time: 2))
        try fillUp()
        try log.runCompaction(now: 1499)
        #expect(try log.readAll(t).first?.record == PlainRecord(key: "a", value: nil, time: 2))
        try fillUp()
        try log.runCompaction(now: 1500)
        #expect(try log.readAll(t).allSatisfy { $0.record.key == "other" })
    }

    @Test func whatIsTooYoungOrTooLittleStays() throws {
        let log = try open()
        try create(log, ["min.compaction.lag.ms": "1000"])
        _ = try fill(log, 100, seed: 2)
        try log.runCompaction(now: 1000)
        #expect(try log.readAll(t).count == 100)
        try log.runCompaction(now: 1_000_000)
        let count = try log.readAll(t).count
        #expect(count < 40)
        // Now most is clean: a few new records are not worth it.
        for number in 0..<3 { try log.write([PlainRecord(key: "key 1", value: "\(number)", time: 5)], to: t) }
        try log.runCompaction(now: 1_000_000)
        #expect(try log.readAll(t).count == count + 3)
    }

    @Test func aReaderInTheMiddleReadsOn() throws {
        let log = try open()
        try create(log)
        let expected = try fill(log, 200, seed: 3)
        let session = try log.openSession(named: "r", group: "g")
        try session.assign([t: 0])
        var seen: [(offset: Int64, record: PlainRecord)] = []
        for _ in 0..<5 { for batches in try session.poll(maxBytes: 300, timeout: .zero) { seen += try decode(batches) } }
        let observer = try EmbeddedLog.observe(at: directory.path)
        try log.runCompaction(now: 1000)
        while true {
            let fetched = try session.poll(maxBytes: 300, timeout: .zero)
            if fetched.isEmpty { break }
            for batches in fetched { seen += try decode(batches) }
        }
        #expect(table(seen) == expected)
        #expect(table(try observer.readAll(t)) == expected)
        #expect(table(try EmbeddedLog.observe(at: directory.path).readAll(t)) == expected)
    }

    @Test func itHappensByItself() throws {
        let log = try open(Housekeeping(interval: .milliseconds(20)))
        try create(log)
        try log.createTopic(TopicSpecification("old", partitions: 1, settings: ["retention.ms": "1000", "segment.bytes": "500"]))
        let old = TopicPartition("old", 0)
        for number in 0..<50 { try log.write([PlainRecord(key: "k", value: "\(number)", time: 1)], to: old) }
        let expected = try fill(log, 200, seed: 4)
        let deadline = Condition.now() + 10_000_000_000
        var records = try log.readAll(t)
        while try records.count > 60 || log.offsetRange(of: old).lowerBound < 30, Condition.now() < deadline {
            Thread.sleep(forTimeInterval: 0.02)
            records = try log.readAll(t)
        }
        #expect(records.count <= 60)
        #expect(table(records) == expected)
        #expect(try log.offsetRange(of: old).lowerBound >= 30)
        try log.close()
    }
}
