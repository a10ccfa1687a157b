import Foundation
import MillraceCore
import MillraceFormats
import MillraceSimulator
import Testing

@testable import MillraceLog

/// What a topic's settings do, one by one, where `TopicTests` and `CompactionTests` do not show it.
@Suite struct TopicSettingsTests {
    private let disk = SimulatedFileSystem()
    private let t = TopicPartition("t", 0)

    private struct FixedClock: WallClock {
        func now() -> Timestamp { 123_456 }
        func monotonicNanoseconds() -> UInt64 { 0 }
    }

    private func open(_ settings: [String: String], on disk: SimulatedFileSystem? = nil) throws -> EmbeddedLog {
        let log = try EmbeddedLog.open(
            at: "/log",
            options: EmbeddedLogOptions(durability: .onCommit, fileSystem: disk ?? self.disk, clock: FixedClock(), housekeeping: nil))
        if try log.describeTopic("t") == nil { try log.createTopic(TopicSpecification("t", partitions: 1, settings: settings)) }
        return log
    }

    private func segments(_ disk: SimulatedFileSystem) throws -> [Int64] {
        try disk.list("/log/t-0").compactMap(SegmentFiles.baseOffset(ofLog:)).sorted()
    }

    private func batches(_ log: EmbeddedLog) throws -> [(compression: Compression, isLogAppendTime: Bool)] {
        let session = try log.openSession(named: "r", group: "r")
        try session.assign([t: 0])
        return try session.poll(maxBytes: 1 << 20, timeout: .zero).flatMap { fetched in
            var found: [(Compression, Bool)] = []
            var cursor = RecordBatchCursor(fetched.bytes)
            while let batch = try cursor.next() { found.append((batch.compression, batch.isLogAppendTime)) }
            withExtendedLifetime(fetched.owner) {}
            return found
        }
    }

    @Test(arguments: [
        ("producer", Compression.lz4), ("uncompressed", .none), ("gzip", .gzip), ("snappy", .snappy), ("lz4", .lz4), ("zstd", .zstd),
    ])
    func compressionType(_ name: String, _ expected: Compression) throws {
        let log = try open(["compression.type": name])
        let appender = try log.openAppender(to: "t", named: "a", group: "g", compression: .lz4)
        for number in 0..<50 { try appender.append(key: "k", value: "value \(number)", timestamp: 7) }
        try appender.commit()
        #expect(try batches(log).map(\.compression) == [expected])
        #expect(try log.readAll(t).map(\.record.value) == (0..<50).map { "value \($0)" })
        // Numbers of the producer stay through the conversion.
        #expect(try log.describeProducers(of: t).map(\.lastSequence) == [49])
    }

    @Test(arguments: [("CreateTime", 7), ("LogAppendTime", 123_456)] as [(String, Int64)])
    func messageTimestampType(_ name: String, _ expected: Int64) throws {
        let log = try open(["message.timestamp.type": name])
        try log.write([PlainRecord(value: "x", time: 7)], to: t)
        #expect(try log.readAll(t)[0].record.time == expected)
        #expect(try batches(log).map(\.isLogAppendTime) == [name == "LogAppendTime"])
        #expect(try log.offset(for: t, at: Timestamp(milliseconds: expected)) == 0)
        #expect(try log.offset(for: t, at: Timestamp(milliseconds: expected + 1)) == nil)
    }

    @Test func segmentTimeCountsFromTheFirstBatch() throws {
        let log = try open(["segment.ms": "100"])
        for time in [10, 50, 110, 111, 20, 211, 212] as [Int64] { try log.write([PlainRecord(value: "x", time: time)], to: t) }
        #expect(try segments(disk) == [0, 3, 6])
    }

    @Test func segmentBytes() throws {
        let log = try open(["segment.bytes": "200"])
        for _ in 0..<7 { try log.write([PlainRecord(value: "x")], to: t) }
        let length = try encode([PlainRecord(value: "x")]).count
        let perSegment = 200 / length
        #expect(try segments(disk) == stride(from: 0, to: 7, by: perSegment).map(Int64.init))
    }

    @Test func maxMessageBytesIsTheLengthOfABatch() throws {
        let length = try encode([PlainRecord(value: "12345")]).count
        let log = try open(["max.message.bytes": "\(length)"])
        try log.write([PlainRecord(value: "12345")], to: t)
        #expect(throws: MillraceError.self) { try log.write([PlainRecord(value: "123456")], to: t) }
        #expect(try log.readAll(t).count == 1)
    }

    @Test func retentionBytesKeepsAtLeastThatMuch() throws {
        let log = try open(["segment.bytes": "100", "retention.bytes": "500", "retention.ms": "-1"])
        for _ in 0..<20 { try log.write([PlainRecord(value: "x")], to: t) }
        try log.runRetention(now: 1_000_000_000_000)
        let length = Int64(try encode([PlainRecord(value: "x")]).count)
        let kept = try log.readAll(t).count
        #expect(Int64(kept) * length >= 500 && Int64(kept - 1) * length < 500)
    }

    /// A topic with few records loses them in time too, although their segment is the one that is written to.
    @Test func retentionTimeEmptiesAPartition() throws {
        var log = try open(["retention.ms": "1000", "index.interval.bytes": "100"])
        for time in [10, 900, 20] as [Int64] { try log.write([PlainRecord(value: "\(time)", time: time)], to: t) }
        try log.runRetention(now: 1900)
        #expect(try log.readAll(t).count == 3)
        try log.runRetention(now: 1901)
        #expect(try log.offsetRange(of: t) == 3..<3)
        #expect(try segments(disk) == [])
        #expect(try log.offset(for: t, at: 0) == nil)
        let observer = try EmbeddedLog.observe(at: "/log", options: EmbeddedLogOptions(fileSystem: disk))
        #expect(try observer.offsetRange(of: t) == 3..<3)
        for round in 0..<3 {
            #expect(try log.write([PlainRecord(value: "next", time: 5000)], to: t).value == Int64(3 + round))
            try observer.refresh()
            #expect(try observer.readAll(t).map(\.record.value) == Array(repeating: "next", count: round + 1))
            if round == 1 { try log.close() } else { log.abandon() }
            log = try open([:])
            #expect(try log.readAll(t).map(\.offset) == (3...Int64(3 + round)).map { $0 })
        }
        try log.deleteRecords(before: [t: 6])
        #expect(try log.offsetRange(of: t) == 6..<6)
        #expect(try log.write([PlainRecord(value: "after")], to: t) == 6)
    }

    @Test func retentionOfACompactedTopicNeedsDelete() throws {
        let log = try open(["retention.ms": "1000", "cleanup.policy": "compact"])
        try log.write([PlainRecord(key: "k", value: "x", time: 1)], to: t)
        try log.runRetention(now: 1_000_000_000_000)
        #expect(try log.readAll(t).count == 1)
        try log.alterTopic("t", settings: ["cleanup.policy": "compact,delete"])
        try log.runRetention(now: 1_000_000_000_000)
        #expect(try log.readAll(t).isEmpty)
    }

    @Test func maxCompactionLagOverridesTheRatio() throws {
        let log = try open([
            "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "1", "max.compaction.lag.ms": "1000", "segment.bytes": "1000000",
        ])
        for time in [0, 10, 1001, 1002, 2002, 2010] as [Int64] {
            try log.write([PlainRecord(key: "k", value: "\(time)", time: time)], to: t)
        }
        // The lag also ends segments.
        #expect(try segments(disk) == [0, 2, 4])
        try log.runCompaction(now: 900)
        try log.write([PlainRecord(key: "k", value: "last", time: 4000)], to: t)
        let before = try log.readAll(t).count
        try log.runCompaction(now: 3002)
        #expect(try log.readAll(t).count == before)
        try log.runCompaction(now: 3003)
        #expect(try log.readAll(t).count < before)
    }

    /// The machine stops at every call of a retention that empties the partition, and of the appends after it.
    @Test(arguments: SimulatedFileSystem.Fate.allCases)
    func anEmptiedPartitionSurvivesACrash(_ fate: SimulatedFileSystem.Fate) throws {
        var call = 1
        var isDone = false
        while !isDone {
            let disk = SimulatedFileSystem()
            var emptied = false
            var appended = 0
            do {
                let log = try open(["retention.ms": "1000", "segment.bytes": "150"], on: disk)
                for number in 0..<3 { try log.write([PlainRecord(value: "\(number)", time: 1)], to: t) }
                disk.crash(atCall: disk.calls + call)
                try log.runRetention(now: 5000)
                emptied = true
                for _ in 0..<2 {
                    try log.write([PlainRecord(value: "new", time: 6000)], to: t)
                    appended += 1
                }
                isDone = true
            } catch {}
            let log = try open([:], on: disk.afterCrash(fate, seed: UInt64(call)))
            let range = try log.offsetRange(of: t)
            #expect(range.lowerBound == 0 || range.lowerBound == 3)
            if emptied { #expect(range.lowerBound == 3 && range.upperBound.value >= Int64(3 + appended), "call \(call)") }
            #expect(try log.readAll(t).map(\.offset) == (range.lowerBound.value..<range.upperBound.value).map { $0 })
            try log.write([PlainRecord(value: "end", time: 7000)], to: t)
            #expect(try log.readAll(t).last?.record.value == "end")
            log.abandon()
            call += 1
        }
    }
}
