import MillraceCore
import MillraceFormats

/// Checks that a transport does what `Transport` promises, by committing random records and offsets through several sessions and comparing with plain arrays.
///
///     try TransportLaws(seed: 7).check(myTransport)
///
/// The same seed does the same things. Topics whose names begin with `law-` are made and filled; nothing else is touched.
public struct TransportLaws {
    /// The first difference between a transport and the law, in words.
    public struct Violation: Error, CustomStringConvertible {
        public let description: String
    }

    /// What may be checked. A stand-in for a transport may be unable to do all of it.
    public enum Law: CaseIterable, Sendable {
        /// Commits are whole, and records are read as they were committed. Checked always.
        case commits
        /// A commit that throws has done nothing.
        case failedCommits
        /// Deleted records are gone, and no others.
        case deletion
        /// A session at the end waits, and can be woken.
        case waking
        /// A paused partition is not delivered, and goes on where it was.
        case pausing
        /// A session fences older ones of its name.
        case fencing
    }

    /// The start of the sequence of random numbers.
    public let seed: UInt64
    /// How many commits are made, with reads in between.
    public let rounds: Int
    /// Whether offsets are given to records only. Kafka gives some to the markers of transactions too.
    public let offsetsAreDense: Bool
    /// What is not checked.
    public let leavingOut: Set<Law>

    /// Checks that start from a seed.
    public init(seed: UInt64, rounds: Int = 60, offsetsAreDense: Bool = true, leavingOut: Set<Law> = []) {
        self.seed = seed
        self.rounds = rounds
        self.offsetsAreDense = offsetsAreDense
        self.leavingOut = leavingOut
    }

    /// Does random things to a transport that has no topics of these names yet.
    ///
    /// - Throws: `Violation` at the first thing that differs; whatever the transport throws.
    public func check(_ transport: any Transport) throws {
        var run = try Run(transport, seed: seed, offsetsAreDense: offsetsAreDense)
        do {
            for _ in 0..<rounds { try run.commit() }
            try run.checkAll()
            for law in Law.allCases where !leavingOut.contains(law) {
                switch law {
                case .commits: break
                case .failedCommits: try run.checkFailedCommit()
                case .deletion: try run.checkDeletion()
                case .waking: try run.checkWaking()
                case .pausing: try run.checkPausing()
                case .fencing: try run.checkFencing()
                }
            }
            run.close()
        } catch let violation as Violation {
            throw Violation(description: "seed \(seed): \(violation)")
        }
    }
}

private struct Run {
    /// A record that was committed.
    private struct Committed: Equatable {
        var offset: Offset
        var value: UInt64
    }

    private let transport: any Transport
    private let offsetsAreDense: Bool
    private var session: any TransportSession
    private var random: SeededNumbers
    private let partitions: [TopicPartition]
    private var expected: [TopicPartition: [Committed]] = [:]
    private var offsets: [TopicPartition: CommittedOffset] = [:]
    /// Where partitions start of which records were deleted.
    private var starts: [TopicPartition: Offset] = [:]

    init(_ transport: any Transport, seed: UInt64, offsetsAreDense: Bool) throws {
        self.transport = transport
        self.offsetsAreDense = offsetsAreDense
        random = SeededNumbers(state: seed)
        for topic in ["law-a", "law-b"] {
            try Self.expect(try transport.describeTopic(topic) == nil, "\(topic) is there before it was made")
            try transport.createTopic(TopicSpecification(topic, partitions: 2))
            let description = try transport.describeTopic(topic)
            try Self.expect(description?.partitions == 2 && description?.name == topic, "\(topic) is not described as it was made")
            try Self.expect(try transport.listTopics().contains(topic), "\(topic) is not listed")
        }
        partitions = ["law-a", "law-b"].flatMap { [TopicPartition($0, 0), TopicPartition($0, 1)] }
        session = try transport.openSession(named: "law", group: "law")
    }

    func close() { session.close() }

    /// Behind the last record of a partition.
    private func end(of partition: TopicPartition) -> Offset { (expected[partition]?.last?.offset ?? -1) + 1 }

    /// Commits to some partitions, or to none, with offsets or without.
    mutating func commit() throws {
        var outputs: [OutputBatches] = []
        var written: [[UInt64]] = []
        for partition in partitions where number(below: 2) == 0 {
            let values = (0..<(1 + number(below: 5))).map { _ in random.next() }
            outputs.append(try Self.output(partition, values))
            written.append(values)
        }
        var moved: [TopicPartition: CommittedOffset] = [:]
        for partition in partitions where number(below: 3) == 0 {
            moved[partition] = CommittedOffset(Offset(Int64(number(below: 1000))), metadata: "note \(number(below: 100))")
        }
        let firsts = try session.commit(outputs, offsets: moved)
        try Self.expect(firsts.count == outputs.count, "commit gave \(firsts.count) first offsets for \(outputs.count) outputs")
        for (index, first) in firsts.enumerated() {
            let partition = outputs[index].partition
            let end = end(of: partition)
            try Self.expect(
                offsetsAreDense ? first == end : first >= end, "commit gave \(partition) the first offset \(first), and it ended at \(end)")
            for (step, value) in written[index].enumerated() {
                expected[partition, default: []].append(Committed(offset: first + Int64(step), value: value))
            }
        }
        offsets.merge(moved) { $1 }
        try Self.expect(
            try transport.committedOffsets(of: "law", for: partitions) == offsets, "the committed offsets differ from what was committed")
        for partition in partitions { try checkRange(of: partition) }
    }

    private func checkRange(of partition: TopicPartition) throws {
        let range = try transport.offsetRange(of: partition)
        let (start, end) = (starts[partition] ?? 0, end(of: partition))
        try Self.expect(
            range.lowerBound == start && (offsetsAreDense ? range.upperBound == end : range.upperBound >= end),
            "\(partition) has the offsets \(range), not \(start) up to \(end)")
    }

    /// Reads everything from random positions.
    mutating func checkAll() throws {
        for _ in 0..<10 {
            var starts: [TopicPartition: Offset] = [:]
            for partition in partitions {
                let start = self.starts[partition] ?? 0
                starts[partition] = start + Int64(number(below: Int(end(of: partition).value - start.value) + 1))
            }
            try session.assign(starts)
            try expectRecords(from: starts, maxBytes: 1 + number(below: 2000))
        }
    }

    /// Reads what is assigned to its end, and compares.
    private func expectRecords(from starts: [TopicPartition: Offset], maxBytes: Int) throws {
        let wanted = starts.reduce(into: [:]) { wanted, start in
            wanted[start.key] = expected[start.key, default: []].filter { $0.offset >= start.value }
        }
        let read = try readAll(from: starts, count: wanted.reduce(0) { $0 + $1.value.count }, maxBytes: maxBytes)
        for (partition, records) in wanted {
            try Self.expect(
                read[partition] ?? [] == records,
                "reading \(partition) from \(starts[partition] ?? 0) gave other records than were committed")
        }
    }

    private func readAll(from starts: [TopicPartition: Offset], count: Int, maxBytes: Int) throws -> [TopicPartition: [Committed]] {
        var read: [TopicPartition: [Committed]] = [:]
        var next = starts
        while read.reduce(0, { $0 + $1.value.count }) < count {
            let fetched = try session.poll(maxBytes: maxBytes, timeout: .seconds(5))
            try Self.expect(!fetched.isEmpty, "poll gives nothing although records are there")
            for batches in fetched {
                for record in try Self.records(batches) where record.offset >= next[batches.partition] ?? 0 {
                    read[batches.partition, default: []].append(record)
                    next[batches.partition] = record.offset + 1
                }
                try Self.expect(batches.nextOffset >= next[batches.partition] ?? 0, "nextOffset lies before records that were delivered")
                try Self.expect(batches.endOffset >= batches.nextOffset, "endOffset lies before nextOffset")
            }
        }
        return read
    }

    private static func records(_ fetched: FetchedBatches) throws -> [Committed] {
        var found: [Committed] = []
        var cursor = RecordBatchCursor(fetched.bytes)
        while let batch = try cursor.next() {
            if batch.isControl { continue }
            var records = try batch.records(decompressingInto: ByteBuffer())
            while let record = try records.next() {
                found.append(Committed(offset: record.offset, value: record.value?.loadBigEndian() ?? 0))
            }
        }
        return found
    }

    /// A commit that throws has done nothing, in no partition.
    mutating func checkFailedCommit() throws {
        let good = try Self.output(partitions[0], [1, 2, 3])
        let bad = try Self.output(TopicPartition("law-missing", 0), [4])
        var hasThrown = false
        do { _ = try session.commit([good, bad], offsets: [partitions[0]: CommittedOffset(77_777)]) } catch { hasThrown = true }
        try Self.expect(hasThrown, "a commit to a topic that does not exist goes through")
        for partition in partitions { try checkRange(of: partition) }
        try Self.expect(
            try transport.committedOffsets(of: "law", for: partitions) == offsets, "a commit that threw has moved offsets")
        try commit()
        let starts: [TopicPartition: Offset] = Dictionary(uniqueKeysWithValues: partitions.map { ($0, self.starts[$0] ?? 0) })
        try session.assign(starts)
        try expectRecords(from: starts, maxBytes: 1 << 20)
    }

    mutating func checkDeletion() throws {
        let partition = partitions[1]
        let records = expected[partition, default: []]
        guard records.count > 1 else { return }
        let middle = records[records.count / 2].offset
        try transport.deleteRecords(before: [partition: middle])
        starts[partition] = middle
        try checkRange(of: partition)
        try session.assign([partition: middle])
        try expectRecords(from: [partition: middle], maxBytes: 1 << 20)
        var hasThrown = false
        do { try session.assign([partition: 0]) } catch { hasThrown = true }
        try Self.expect(hasThrown, "assign takes an offset whose record has been deleted")
    }

    /// A session at the end of everything waits, and `wake` ends the wait, also one that begins later.
    mutating func checkWaking() throws {
        var ends: [TopicPartition: Offset] = [:]
        for partition in partitions { ends[partition] = try transport.offsetRange(of: partition).upperBound }
        try session.assign(ends)
        try expectNothing(timeout: .milliseconds(1))
        session.wake()
        try expectNothing(timeout: .seconds(60))
    }

    private func expectNothing(timeout: Duration) throws {
        for fetched in try session.poll(maxBytes: 1 << 20, timeout: timeout) {
            // A marker without a record may still come.
            try Self.expect(!offsetsAreDense, "poll delivers what is not there")
            try Self.expect(try Self.records(fetched).isEmpty, "poll delivers what is not there")
        }
    }

    mutating func checkPausing() throws {
        let (paused, other) = (partitions[0], partitions[2])
        let starts = [paused: try transport.offsetRange(of: paused).lowerBound, other: try transport.offsetRange(of: other).lowerBound]
        try session.assign(starts)
        session.pause(paused)
        let read = try readAll(from: starts, count: expected[other, default: []].count, maxBytes: 1 << 20)
        try Self.expect(read[paused] == nil, "a paused partition is delivered")
        session.resume(paused)
        let resumed = try readAll(from: starts, count: expected[paused, default: []].count, maxBytes: 1 << 20)
        try Self.expect(resumed[paused] == expected[paused], "a resumed partition goes on elsewhere")
    }

    /// Whoever opens a session of the same name takes over: the older one changes nothing any more.
    mutating func checkFencing() throws {
        let older = session
        session = try transport.openSession(named: "law", group: "law")
        defer { older.close() }
        var error: MillraceError?
        do { _ = try older.commit([try Self.output(partitions[0], [1])], offsets: [:]) } catch let fenced as MillraceError {
            error = fenced
        }
        try Self.expect(
            error?.kind == .fenced,
            "the older of two sessions of one name can still commit, or is told something else: \(error.map { "\($0)" } ?? "nothing")")
        try commit()
    }

    private mutating func number(below limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

    private static func output(_ partition: TopicPartition, _ values: [UInt64]) throws -> OutputBatches {
        // Small batches, so that there are several of them.
        let writer = RecordBatchWriter(batchSize: 40)
        let value = ByteBuffer()
        for number in values {
            value.removeAll()
            value.append(bigEndian: number)
            try writer.append(timestamp: 1, key: nil, value: value.bytes)
        }
        try writer.finish()
        return OutputBatches(partition: partition, bytes: writer.output, recordCount: writer.recordCount)
    }

    private static func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws {
        if !holds { throw TransportLaws.Violation(description: otherwise()) }
    }
}
