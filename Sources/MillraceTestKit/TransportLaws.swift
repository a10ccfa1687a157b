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

    /// The start of the sequence of random numbers.
    public let seed: UInt64
    /// How many commits are made, with reads in between.
    public let rounds: Int

    /// Checks that start from a seed.
    public init(seed: UInt64, rounds: Int = 60) {
        self.seed = seed
        self.rounds = rounds
    }

    /// Does random things to a transport that has no topics of these names yet.
    ///
    /// - Throws: `Violation` at the first thing that differs; whatever the transport throws.
    public func check(_ transport: any Transport) throws {
        var run = try Run(transport, seed: seed)
        do {
            for _ in 0..<rounds { try run.commit() }
            try run.checkAll()
            try run.checkFailedCommit()
            try run.checkDeletion()
            try run.checkWaking()
            try run.checkPausing()
            try run.checkFencing()
        } catch let violation as Violation {
            throw Violation(description: "seed \(seed): \(violation)")
        }
    }
}

private struct Run {
    private let transport: any Transport
    private var session: any TransportSession
    private var random: SeededNumbers
    private let partitions: [TopicPartition]
    private var expected: [TopicPartition: [UInt64]] = [:]
    private var offsets: [TopicPartition: CommittedOffset] = [:]

    init(_ transport: any Transport, seed: UInt64) throws {
        self.transport = transport
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

    /// Commits to some partitions, or to none, with offsets or without.
    mutating func commit() throws {
        var outputs: [OutputBatches] = []
        var firsts: [Offset] = []
        for partition in partitions where number(below: 2) == 0 {
            let values = (0..<(1 + number(below: 5))).map { _ in random.next() }
            outputs.append(try Self.output(partition, values))
            firsts.append(Offset(Int64(expected[partition, default: []].count)))
            expected[partition, default: []] += values
        }
        var moved: [TopicPartition: CommittedOffset] = [:]
        for partition in partitions where number(below: 3) == 0 {
            moved[partition] = CommittedOffset(Offset(Int64(number(below: 1000))), metadata: "note \(number(below: 100))")
        }
        let found = try session.commit(outputs, offsets: moved)
        try Self.expect(found == firsts, "commit gave the first offsets \(found), not \(firsts)")
        offsets.merge(moved) { $1 }
        try Self.expect(
            try transport.committedOffsets(of: "law", for: partitions) == offsets, "the committed offsets differ from what was committed")
        for partition in partitions {
            let range = try transport.offsetRange(of: partition)
            let end = Offset(Int64(expected[partition, default: []].count))
            try Self.expect(range == 0..<end, "\(partition) has the offsets \(range), not 0 up to \(end)")
        }
    }

    /// Reads everything from random positions.
    mutating func checkAll() throws {
        for _ in 0..<10 {
            let starts = Dictionary(
                uniqueKeysWithValues: partitions.map { ($0, Offset(Int64(number(below: expected[$0, default: []].count + 1)))) })
            try session.assign(starts)
            let wanted = starts.reduce(0) { $0 + expected[$1.key, default: []].count - Int($1.value.value) }
            let read = try readAll(from: starts, count: wanted, maxBytes: 1 + number(below: 2000))
            for (partition, start) in starts {
                let values = Array(expected[partition, default: []][Int(start.value)...])
                try Self.expect(read[partition] ?? [] == values, "reading \(partition) from \(start) gave other records than were committed")
            }
        }
    }

    private func readAll(from starts: [TopicPartition: Offset], count: Int, maxBytes: Int) throws -> [TopicPartition: [UInt64]] {
        var read: [TopicPartition: [UInt64]] = [:]
        var next = starts
        while read.reduce(0, { $0 + $1.value.count }) < count {
            let fetched = try session.poll(maxBytes: maxBytes, timeout: .seconds(5))
            try Self.expect(!fetched.isEmpty, "poll gives nothing although records are there")
            for batches in fetched {
                var cursor = RecordBatchCursor(batches.bytes)
                while let batch = try cursor.next() {
                    var records = try batch.records(decompressingInto: ByteBuffer())
                    while let record = try records.next() {
                        guard record.offset >= next[batches.partition] ?? 0 else { continue }
                        read[batches.partition, default: []].append(record.value?.loadBigEndian() ?? 0)
                        next[batches.partition] = record.offset + 1
                    }
                }
                try Self.expect(batches.nextOffset >= next[batches.partition] ?? 0, "nextOffset lies before records that were delivered")
                try Self.expect(batches.endOffset >= batches.nextOffset, "endOffset lies before nextOffset")
            }
        }
        return read
    }

    /// A commit that throws has done nothing, in no partition.
    mutating func checkFailedCommit() throws {
        let good = try Self.output(partitions[0], [1, 2, 3])
        let bad = try Self.output(TopicPartition("law-missing", 0), [4])
        let ends = try partitions.map { try transport.offsetRange(of: $0) }
        var hasThrown = false
        do { _ = try session.commit([good, bad], offsets: [partitions[0]: CommittedOffset(77_777)]) } catch { hasThrown = true }
        try Self.expect(hasThrown, "a commit to a topic that does not exist goes through")
        try Self.expect(try partitions.map { try transport.offsetRange(of: $0) } == ends, "a commit that threw has appended records")
        try Self.expect(
            try transport.committedOffsets(of: "law", for: partitions) == offsets, "a commit that threw has moved offsets")
        try commit()
    }

    mutating func checkDeletion() throws {
        let partition = partitions[1]
        let end = Offset(Int64(expected[partition, default: []].count))
        let middle = Offset(end.value / 2)
        try transport.deleteRecords(before: [partition: middle])
        try Self.expect(try transport.offsetRange(of: partition) == middle..<end, "deleteRecords did not move the start to \(middle)")
        try session.assign([partition: middle])
        let read = try readAll(from: [partition: middle], count: Int(end.value - middle.value), maxBytes: 1 << 20)
        try Self.expect(read[partition] ?? [] == Array(expected[partition, default: []][Int(middle.value)...]), "deleteRecords took others along")
        guard middle > 0 else { return }
        var hasThrown = false
        do { try session.assign([partition: 0]) } catch { hasThrown = true }
        try Self.expect(hasThrown, "assign takes an offset whose record has been deleted")
    }

    /// A session at the end of everything waits, and `wake` ends the wait, also one that begins later.
    mutating func checkWaking() throws {
        var ends: [TopicPartition: Offset] = [:]
        for partition in partitions { ends[partition] = try transport.offsetRange(of: partition).upperBound }
        try session.assign(ends)
        try Self.expect(try session.poll(maxBytes: 1 << 20, timeout: .milliseconds(1)).isEmpty, "poll delivers what is not there")
        session.wake()
        try Self.expect(try session.poll(maxBytes: 1 << 20, timeout: .seconds(60)).isEmpty, "poll delivers what is not there")
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
        defer { session.close() }
        var error: MillraceError?
        do { _ = try older.commit([try Self.output(partitions[0], [1])], offsets: [:]) } catch let fenced as MillraceError { error = fenced }
        try Self.expect(error?.kind == .fenced, "the older of two sessions of one name can still commit")
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
