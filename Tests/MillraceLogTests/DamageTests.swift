import Foundation
import MillraceCore
import MillraceFormats
import MillraceSimulator
import Testing

@testable import MillraceLog

/// Bits turn over, anywhere in any file: the log says so, or does not need them. It never gives a wrong record, an offset that is not so, or fewer records without a word.
///
/// `MILLRACE_SEEDS=5000 swift test --filter DamageTests` tries more of them.
@Suite struct DamageTests {
    private static let seeds = ProcessInfo.processInfo.environment["MILLRACE_SEEDS"].flatMap(Int.init) ?? 150
    private static let codecs = ["none", "gzip", "snappy", "lz4", "zstd"]

    /// What a good log answers.
    private struct Truth {
        var records: [TopicPartition: [(offset: Int64, record: PlainRecord)]] = [:]
        var ranges: [TopicPartition: Range<Offset>] = [:]
        var offsets: [TopicPartition: CommittedOffset] = [:]
        var times: [TopicPartition: [Int64: Offset?]] = [:]
    }

    private func options(_ disk: SimulatedFileSystem) -> EmbeddedLogOptions {
        EmbeddedLogOptions(durability: .onCommit, fileSystem: disk, clock: StoppedClock(), housekeeping: nil)
    }

    /// A log with all that a log can have: several segments, all codecs, times out of order, a group, a deletion, a compaction.
    private func makeLog(closed: Bool) throws -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        let log = try EmbeddedLog.open(at: "/log", options: options(disk))
        var partitions: [TopicPartition] = []
        for codec in DamageTests.codecs + ["compact"] {
            var settings = ["segment.bytes": "900", "index.interval.bytes": "150", "retention.ms": "1000"]
            if codec == "compact" {
                settings["cleanup.policy"] = "compact"
            } else {
                settings["compression.type"] = codec == "none" ? "uncompressed" : codec
            }
            try log.createTopic(TopicSpecification(codec, partitions: 1, settings: settings))
            partitions.append(TopicPartition(codec, 0))
        }
        for number in 0..<16 {
            let records = (0..<3).map { part in
                PlainRecord(key: "k\((number + part) % 4)", value: "value \(number) \(part)", time: Int64(1000 + number * 10 - part * 25))
            }
            let outputs = try partitions.map { OutputBatches(partition: $0, bytes: try encode(records), recordCount: 3) }
            let session = try log.openSession(named: "s", group: "g")
            _ = try session.commit(outputs, offsets: [partitions[0]: CommittedOffset(Offset(Int64(number)), metadata: "m")])
        }
        try log.deleteRecords(before: [partitions[1]: 14])
        try log.runCompaction(now: 5000)
        if closed { try log.close() } else { log.abandon() }
        return disk
    }

    private struct Place: Hashable {
        var path: String
        var byte: Int
    }

    /// The base offsets of batches where offsets may have gaps: Kafka's checksum leaves them out, and a gap elsewhere is no more than a gap.
    private func placesBeyondChecking(_ disk: SimulatedFileSystem) throws -> Set<Place> {
        var places: Set<Place> = []
        for (path, byteCount) in disk.contents where path.contains("/compact-0/") && path.hasSuffix(".log") {
            var scan = BatchScan(try disk.open(path, writable: false), path: path, from: 0, to: byteCount)
            while let (_, position) = try scan.next() {
                for byte in 0..<8 { places.insert(Place(path: path, byte: position + byte)) }
            }
        }
        return places
    }

    private func truth(_ disk: SimulatedFileSystem) throws -> Truth {
        let log = try EmbeddedLog.open(at: "/log", options: options(disk.copy()))
        defer { log.abandon() }
        var truth = Truth()
        for partition in try log.listTopics().map({ TopicPartition($0, 0) }) {
            truth.records[partition] = try log.readAll(partition)
            truth.ranges[partition] = try log.offsetRange(of: partition)
            for time in stride(from: Int64(940), to: 1200, by: 13) {
                let offset = try log.offset(for: partition, at: Timestamp(milliseconds: time))
                truth.times[partition, default: [:]].updateValue(offset, forKey: time)
            }
        }
        truth.offsets = log.committedOffsets(of: "g")
        return truth
    }

    @Test(arguments: [true, false])
    func aFlippedBitIsFoundOrDoesNoHarm(_ closed: Bool) throws {
        let disk = try makeLog(closed: closed)
        let truth = try truth(disk)
        let files = disk.contents.filter { $0.byteCount > 0 }
        let beyondChecking = try placesBeyondChecking(disk)
        var found = 0
        for seed in 0..<UInt64(DamageTests.seeds) {
            var generator = SeededGenerator(seed: seed)
            let damaged = disk.copy()
            var flips: [String] = []
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let (path, byteCount) = files[Int.random(in: 0..<files.count, using: &generator)]
                let place = Int.random(in: 0..<byteCount, using: &generator)
                if beyondChecking.contains(Place(path: path, byte: place)) { continue }
                let bit = Int.random(in: 0..<8, using: &generator)
                damaged.flipBit(bit, of: path, at: place)
                flips.append("bit \(bit) of byte \(place) of \(path)")
            }
            if flips.isEmpty { continue }
            let comment = Comment(rawValue: "seed \(seed): \(flips.joined(separator: ", "))")
            if try !check(damaged, truth, comment) { found += 1 }
        }
        #expect(found > DamageTests.seeds / 10, "hardly anything was found, so hardly anything can have been damaged")
    }

    /// Whether nothing was found to be wrong. What the log does say must be true.
    private func check(_ disk: SimulatedFileSystem, _ truth: Truth, _ comment: Comment) throws -> Bool {
        var isGood = true
        func attempt(_ body: () throws -> Void) {
            do { try body() } catch {
                isGood = false
                #expect(error is MillraceError, comment)
            }
        }
        attempt {
            let log = try EmbeddedLog.open(at: "/log", options: options(disk))
            defer { log.abandon() }
            #expect(log.committedOffsets(of: "g") == truth.offsets, comment)
            for (partition, expected) in truth.records {
                attempt {
                    let range = try log.offsetRange(of: partition)
                    #expect(range == truth.ranges[partition], comment)
                }
                for start in [expected[0].offset, expected[expected.count / 2].offset, expected[expected.count - 2].offset] {
                    attempt { try read(log, partition, from: start, expected, comment) }
                }
                for (time, expected) in truth.times[partition] ?? [:] {
                    attempt {
                        let offset = try log.offset(for: partition, at: Timestamp(milliseconds: time))
                        #expect(offset == expected, "time \(time), \(comment)")
                    }
                }
            }
            attempt { try changeAndReadAgain(log, truth, comment) }
        }
        return isGood
    }

    /// Reads until the end or until damage is reported: what comes is what was written, without a gap.
    private func read(
        _ log: EmbeddedLog, _ partition: TopicPartition, from start: Int64, _ records: [(offset: Int64, record: PlainRecord)],
        _ comment: Comment
    ) throws {
        let expected = records.filter { $0.offset >= start }
        let session = try log.openSession(named: "reader", group: "group")
        try session.assign([partition: Offset(start)])
        var seen = 0
        while true {
            let fetched = try session.poll(maxBytes: 300, timeout: .zero)
            if fetched.isEmpty { break }
            for (offset, record) in try fetched.flatMap({ try decode($0, from: start) }) {
                guard seen < expected.count, expected[seen].offset == offset, expected[seen].record == record else {
                    Issue.record("offset \(offset) of \(partition) is wrong: \(comment)")
                    return
                }
                seen += 1
            }
        }
        #expect(seen == expected.count, comment)
    }

    /// Appends, retention and compaction, which rest on the indexes too.
    private func changeAndReadAgain(_ log: EmbeddedLog, _ truth: Truth, _ comment: Comment) throws {
        for partition in truth.records.keys.sorted() where partition.topic != "compact" {
            let end = truth.ranges[partition]?.upperBound ?? 0
            let first = try log.write([PlainRecord(key: "new", value: "new", time: 1200)], to: partition)
            #expect(first == end, comment)
            #expect(try log.readAll(partition, from: end.value).map(\.record.value) == ["new"], comment)
            #expect(try log.offset(for: partition, at: 1190) == end, comment)
        }
        // Exactly the segments whose last record is from before 1060.
        try log.runRetention(now: 2060)
        for (partition, records) in truth.records where partition.topic != "compact" {
            let start = try log.offsetRange(of: partition).lowerBound.value
            for (offset, record) in records where offset < start { #expect(record.time < 1060, comment) }
        }
        try log.runCompaction(now: 5_000_000_000)
        let compact = TopicPartition("compact", 0)
        let latest = { (records: [(offset: Int64, record: PlainRecord)]) in
            Dictionary(records.map { ($0.record.key, $0.record.value) }) { $1 }
        }
        #expect(latest(try log.readAll(compact)) == latest(truth.records[compact] ?? []), comment)
    }

    @Test func indexesOfRubbishCostOnlyTime() throws {
        let disk = try makeLog(closed: true)
        let truth = try truth(disk)
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<max(20, DamageTests.seeds / 20) {
            let damaged = disk.copy()
            for (path, _) in disk.contents where path.hasSuffix("index") {
                let rubbish = (0..<Int.random(in: 0...200, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let file = try damaged.open(path, writable: true)
                try file.truncate(to: 0)
                try rubbish.withUnsafeBytes { try file.write($0, at: 0) }
            }
            #expect(try check(damaged, truth, "rubbish"))
        }
    }
}

/// A clock that always says the same, so that what happens depends on nothing else.
struct StoppedClock: WallClock {
    func now() -> Timestamp { 1000 }
    func monotonicNanoseconds() -> UInt64 { 0 }
}
