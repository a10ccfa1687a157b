import MillraceCore
import MillraceFormats
import MillraceSimulator
import Testing

@testable import MillraceLog

/// Batches that carry a producer: what comes again is known, what is missing is noticed, who was replaced is refused.
@Suite struct ProducerTests {
    private let t = TopicPartition("t", 0)
    private let u = TopicPartition("u", 0)

    private func options(_ disk: SimulatedFileSystem) -> EmbeddedLogOptions {
        EmbeddedLogOptions(durability: .onCommit, fileSystem: disk, housekeeping: nil)
    }

    private func open(_ disk: SimulatedFileSystem, topics: [String] = ["t"]) throws -> EmbeddedLog {
        let log = try EmbeddedLog.open(at: "/log", options: options(disk))
        for topic in topics where try log.describeTopic(topic) == nil { try log.createTopic(TopicSpecification(topic, partitions: 1)) }
        return log
    }

    /// Batches of one record each that carry the numbers `sequences`.
    private func batches(_ producer: ProducerIdentity, _ sequences: Range<Int>) throws -> ByteBuffer {
        let output = ByteBuffer()
        for sequence in sequences {
            let batch = try encode([PlainRecord(key: "\(producer.id)", value: "\(sequence)")])
            var header = RecordBatchHeader(try RecordBatch(startOf: batch.bytes))
            header.producerID = producer.id
            header.producerEpoch = producer.epoch
            header.baseSequence = ProducerSequence.advance(0, by: Int64(sequence))
            header.seal(UnsafeMutableRawBufferPointer(rebasing: batch.mutableBytes[0...]))
            withExtendedLifetime(batch) { output.append(batch.bytes) }
        }
        return output
    }

    @discardableResult
    private func send(_ log: EmbeddedLog, _ producer: ProducerIdentity, _ sequences: Range<Int>, to partition: TopicPartition? = nil) throws
        -> Int64
    {
        let session = try log.openSession(named: "s", group: "g")
        let output = OutputBatches(
            partition: partition ?? t, bytes: try batches(producer, sequences), recordCount: sequences.count)
        return try session.commit([output], offsets: [:])[0].value
    }

    private func values(_ log: EmbeddedLog) throws -> [String?] { try log.readAll(t).map(\.record.value) }

    @Test func aRepeatedBatchIsAnsweredWithItsOffset() throws {
        let log = try open(SimulatedFileSystem())
        let producer = try log.openProducer(named: "p")
        try log.write([PlainRecord(value: "other")], to: t)
        #expect(try send(log, producer, 0..<3) == 1)
        try log.write([PlainRecord(value: "other")], to: t)
        #expect(try send(log, producer, 3..<5) == 5)
        #expect(try send(log, producer, 0..<3) == 1)
        #expect(try send(log, producer, 1..<2) == 2)
        #expect(try send(log, producer, 4..<5) == 6)
        // Some of it is there, and some is new.
        #expect(try send(log, producer, 3..<7) == 5)
        #expect(try values(log) == ["other", "0", "1", "2", "other", "3", "4", "5", "6"])
        #expect(try log.describeProducers(of: t).map { [Int64($0.lastSequence), $0.lastOffset.value] } == [[6, 8]])
    }

    @Test func aGapIsRefusedAndNothingOfItIsStored() throws {
        let log = try open(SimulatedFileSystem())
        let producer = try log.openProducer(named: "p")
        try send(log, producer, 0..<2)
        let error = #expect(throws: MillraceError.self) { try send(log, producer, 3..<4) }
        #expect(error?.kind == .transport && error?.message.contains("record 2 was expected") == true)
        let session = try log.openSession(named: "s", group: "g")
        // Neither does the rest of a commit count of which one output is refused.
        let outputs = try [2..<3, 4..<5].map { OutputBatches(partition: t, bytes: try batches(producer, $0), recordCount: 1) }
        #expect(throws: MillraceError.self) { try session.commit(outputs, offsets: [:]) }
        #expect(try values(log) == ["0", "1"])
        #expect(try send(log, producer, 2..<3) == 2)
        // What was sent longer ago than is remembered cannot be told from a gap.
        for sequence in 3..<3 + ProducerStates.remembered { try send(log, producer, sequence..<sequence + 1) }
        #expect(throws: MillraceError.self) { try send(log, producer, 2..<3) }
        #expect(try send(log, producer, 3..<4) == 3)
    }

    @Test func twoOutputsOfOneCommitFollowEachOther() throws {
        let log = try open(SimulatedFileSystem())
        let producer = try log.openProducer(named: "p")
        let session = try log.openSession(named: "s", group: "g")
        let outputs = try [0..<2, 2..<3, 1..<2].map { OutputBatches(partition: t, bytes: try batches(producer, $0), recordCount: $0.count) }
        #expect(try session.commit(outputs, offsets: [:]).map(\.value) == [0, 2, 1])
        #expect(try values(log) == ["0", "1", "2"])
    }

    @Test func whoTakesTheNameFencesTheOlder() throws {
        let disk = SimulatedFileSystem()
        var log = try open(disk, topics: ["t", "u"])
        let old = try log.openProducer(named: "p")
        try send(log, old, 0..<1)
        log.abandon()
        log = try open(disk)
        let new = try log.openProducer(named: "p")
        #expect(new.id == old.id && new.epoch == old.epoch + 1)
        #expect(try log.openProducer(named: "q").id != new.id)
        for partition in [t, u] {
            let error = #expect(throws: MillraceError.self) { try send(log, old, 1..<2, to: partition) }
            #expect(error?.kind == .fenced)
        }
        // The new one numbers its records from 0.
        #expect(throws: MillraceError.self) { try send(log, new, 1..<2) }
        #expect(try send(log, new, 0..<1) == 1)
        #expect(try send(log, new, 0..<1) == 1)
    }

    @Test func theHighestNumberIsFollowedByZero() throws {
        let log = try open(SimulatedFileSystem())
        let producer = ProducerIdentity(id: 7, epoch: 0)
        let end = Int(Int32.max)
        // Of a producer that is not known the first number may be any.
        #expect(try send(log, producer, end - 1..<end + 3) == 0)
        #expect(try log.describeProducers(of: t).map(\.lastSequence) == [1])
        #expect(try send(log, producer, end..<end + 2) == 1)
        #expect(try send(log, producer, end + 3..<end + 4) == 4)
    }

    @Test func batchesOfSeveralProducersInOnePieceAreRefused() throws {
        let log = try open(SimulatedFileSystem())
        let both = try batches(ProducerIdentity(id: 1, epoch: 0), 0..<1)
        let second = try batches(ProducerIdentity(id: 2, epoch: 0), 0..<1)
        withExtendedLifetime(second) { both.append(second.bytes) }
        let session = try log.openSession(named: "s", group: "g")
        let error = #expect(throws: MillraceError.self) {
            try session.commit([OutputBatches(partition: t, bytes: both, recordCount: 2)], offsets: [:])
        }
        #expect(error?.kind == .configuration)
    }

    @Test func theSilentAreForgottenAndMemoryIsBounded() throws {
        var states = ProducerStates(limit: 100)
        let key = PartitionKey(topic: 1, partition: 0)
        func mark(_ id: Int64, _ time: Int64) -> ProducerMark {
            ProducerMark(
                partition: key, producer: ProducerIdentity(id: id, epoch: 0), lastSequence: 0, count: 1, lastOffset: id,
                time: Timestamp(milliseconds: time))
        }
        for id in 0..<1000 {
            states.apply(mark(Int64(id), 5))
            states.apply(ProducerName(name: "\(id)", producer: ProducerIdentity(id: Int64(id), epoch: 0), time: 5))
            #expect(states.partitions[key]?.count ?? 0 <= 100 && states.names.count <= 100)
            #expect(states.entry(of: Int64(id), in: key) != nil && states.names["\(id)"] != nil)
        }
        states.apply(mark(5000, 10))
        states.expire(now: Timestamp(milliseconds: 7 + ProducerStates.silence))
        #expect(states.partitions[key]?.keys.sorted() == [5000])
        #expect(!states.names.isEmpty)
        states.expire(now: Timestamp(milliseconds: 7 + ProducerStates.nameSilence))
        #expect(states.partitions.isEmpty && states.names.isEmpty && states.currentEpoch(of: 999) == nil)
    }

    @Test func aJournalThatStartsAnewHoldsTheSameProducers() throws {
        var states = ProducerStates()
        for number in 0..<200 {
            let id = Int64(number * 7 % 5)
            states.apply(
                ProducerMark(
                    partition: PartitionKey(topic: 3, partition: Partition(number % 3)),
                    producer: ProducerIdentity(id: id, epoch: Int16(number / 90)),
                    lastSequence: Int32(number), count: 1, lastOffset: Int64(number), time: Timestamp(milliseconds: 100)))
            states.apply(
                ProducerName(name: "\(id)", producer: ProducerIdentity(id: id, epoch: 0), time: Timestamp(milliseconds: Int64(number))))
        }
        var entry = JournalEntry()
        (entry.producers, entry.producerNames) = states.marks()
        let buffer = ByteBuffer()
        entry.encode(into: buffer)
        let decoded = try #require(JournalEntry(buffer.bytes))
        #expect(decoded == entry)
        var again = ProducerStates()
        decoded.producers.forEach { again.apply($0) }
        decoded.producerNames.forEach { again.apply($0) }
        #expect(again.partitions == states.partitions && again.names == states.names)
        // Cut off anywhere it is no entry, except where an entry without producers ends.
        for length in 0..<buffer.count {
            let part = JournalEntry(UnsafeRawBufferPointer(rebasing: buffer.bytes[0..<length]))
            #expect(part == nil || part?.isEmpty == true)
        }
    }

    /// The machine stops at every call of a commit; the appender tries again on what is found then.
    @Test(arguments: SimulatedFileSystem.Fate.allCases)
    func anAppenderThatGoesOnAfterACrashStoresOnce(_ fate: SimulatedFileSystem.Fate) throws {
        var call = 1
        var isDone = false
        var recognised = 0
        while !isDone {
            let disk = SimulatedFileSystem()
            let log = try open(disk)
            let appender = try log.openAppender(to: "t", named: "a", group: "g")
            try appender.append(key: "k", value: "0", timestamp: 0)
            try appender.commit()
            for number in 1..<4 { try appender.append(key: "k", value: "\(number)", timestamp: 0) }
            disk.crash(atCall: disk.calls + call)
            do {
                try appender.commit()
                isDone = true
            } catch {
                let again = try open(disk.afterCrash(fate, seed: UInt64(call)))
                let before = try values(again).count
                try appender.resume(on: again)
                try appender.append(key: "k", value: "4", timestamp: 0)
                #expect(try appender.commit()[t] == 1)
                #expect(try values(again) == ["0", "1", "2", "3", "4"], "call \(call)")
                if before == 4 { recognised += 1 }
                // Whoever has the name now keeps it.
                _ = try again.openProducer(named: "a")
                #expect(throws: MillraceError.self) { try appender.resume(on: again) }
            }
            log.abandon()
            call += 1
        }
        #expect(call > 3)
        if fate == .kept { #expect(recognised > 0) }
    }

    /// Several producers that send again what they are not sure of, and sometimes what they are sure of, while the machine stops now and then: each record is there once, in order.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func retriesOverCrashesStoreEachRecordOnce(_ seed: UInt64) throws {
        try retries(seed, steps: 120)
    }

    private func retries(_ seed: UInt64, steps: Int) throws {
        var generator = SeededGenerator(seed: seed)
        var disk = SimulatedFileSystem(seed: seed)
        var log = try open(disk, topics: ["t", "u"])
        struct Client {
            var producer: ProducerIdentity
            /// How many records were acknowledged, and where each commit of them lies.
            var acknowledged = 0
            var places: [(Range<Int>, Int64)] = []
            var inDoubt: Range<Int>?
        }
        var clients = try (0..<3).map { Client(producer: try log.openProducer(named: "c\($0)")) }
        for step in 0..<steps {
            let number = Int.random(in: 0..<3, using: &generator)
            if Int.random(in: 0..<6, using: &generator) == 0 { disk.crash(atCall: disk.calls + Int.random(in: 1...12, using: &generator)) }
            do {
                var client = clients[number]
                switch Int.random(in: 0..<10, using: &generator) {
                case 0 where !client.places.isEmpty:
                    let recent = client.places.suffix(ProducerStates.remembered).randomElement(using: &generator)!
                    #expect(try send(log, client.producer, recent.0) == recent.1)
                case 1 where client.acknowledged > 0 && client.inDoubt == nil:
                    // What throws here may be the disk.
                    #expect(throws: MillraceError.self) {
                        try send(log, client.producer, client.acknowledged + 1..<client.acknowledged + 3)
                    }
                case 2:
                    try log.write([PlainRecord(key: "other", value: "\(step)")], to: Bool.random(using: &generator) ? t : u)
                default:
                    let count = Int.random(in: 1..<5, using: &generator)
                    let sequences = client.inDoubt ?? client.acknowledged..<client.acknowledged + count
                    clients[number].inDoubt = sequences
                    let offset = try send(log, client.producer, sequences)
                    client.inDoubt = nil
                    client.acknowledged = sequences.upperBound
                    client.places.append((sequences, offset))
                    clients[number] = client
                }
            } catch {
                log.abandon()
                disk = disk.afterCrash(
                    SimulatedFileSystem.Fate.allCases.randomElement(using: &generator)!, seed: UInt64(step))
                log = try open(disk)
            }
        }
        let found = try log.readAll(t)
        for client in clients {
            let own = found.filter { $0.record.key == "\(client.producer.id)" }
            let expected = (0..<client.acknowledged).map { "\($0)" }
            let doubtful = client.inDoubt.map { $0.map { "\($0)" } } ?? []
            let values = own.compactMap(\.record.value)
            #expect(values == expected || values == expected + doubtful, "seed \(seed)")
            for (sequences, offset) in client.places {
                #expect(own.first { $0.record.value == "\(sequences.lowerBound)" }?.offset == offset)
            }
        }
    }

    /// A killed process leaves commits that only the system holds: what follows them must not be said to be on the disk without them.
    @Test func commitsOfAKilledProcessReachTheDiskWithTheNext() throws {
        let disk = SimulatedFileSystem()
        var log = try EmbeddedLog.open(at: "/log", options: EmbeddedLogOptions(durability: .system, fileSystem: disk, housekeeping: nil))
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "100"]))
        try log.createTopic(TopicSpecification("u", partitions: 1))
        for number in 0..<3 { try log.write([PlainRecord(value: "\(number)")], to: t) }
        log.abandon()
        log = try open(disk)
        try log.write([PlainRecord(value: "promised")], to: u)
        log.abandon()
        let after = try open(disk.afterCrash(.lost))
        #expect(try after.readAll(u).count == 1)
        #expect(try values(after) == ["0", "1", "2"])
    }
}
