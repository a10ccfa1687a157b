import Millrace
import MillraceFormats
import MillraceTestKit
import Testing

/// Poison for every kind of operator, under every policy: the app stops with an error that names the record, or goes on, with the output of all other records as it would have been.
///
/// What is compared is the output of keys that are not the poison's own, in full, with that of a run in which harmless records stand in the poison's place where those move time.
@Suite struct PoisonOperatorTests {
    /// A record as it lies in a topic.
    struct Raw: Equatable {
        var topic: String
        var key: [UInt8]?
        var value: [UInt8]?
        var time: Int64
        var headers: Headers = []
        /// Why it is expected to be left out.
        var reason: DropReason?
    }

    private static let bad: [UInt8] = [0xFF, 0xFE, 0x80]
    private static let own = Array("poison".utf8)

    /// An operator with input, and a place in the middle of it.
    private struct Case {
        let of: PoisonOperator
        let before: [Raw]
        let after: [Raw]
        /// The highest time before.
        let time: Int64

        init(_ op: PoisonOperator) {
            of = op
            let inputs = op.engineCase(Fuse(times: 0)).inputs.map {
                Raw(topic: $0.topic, key: $0.key.map { Array($0.utf8) }, value: $0.value.map { Array($0.utf8) }, time: $0.time)
            }
            before = Array(inputs[..<(inputs.count / 2)])
            after = Array(inputs[(inputs.count / 2)...])
            time = before.map(\.time).max() ?? 0
        }

        /// A record of the poison's key for each topic, with many headers or none.
        func partners(headers: Int = 0) -> [Raw] {
            of.topics.map {
                Raw(
                    topic: $0, key: PoisonOperatorTests.own, value: PoisonOperatorTests.own, time: time,
                    headers: Headers((0..<headers).map { Header("h\($0)", [1]) }))
            }
        }

        /// The record that makes closures fail.
        func boom(_ value: String = Fuse.bad) -> Raw {
            Raw(
                topic: of.topics[0], key: PoisonOperatorTests.own, value: Array(value.utf8), time: time + 1,
                headers: [Header("trace", [7])],
                reason: .processing)
        }

        /// What no operator is to see.
        var refused: [Raw] {
            of.topics.flatMap { topic in
                let own = PoisonOperatorTests.own
                let bad = PoisonOperatorTests.bad
                let trace: Headers = [Header("trace", bad), Header("none", nil)]
                var records = [
                    Raw(topic: topic, key: bad, value: own, time: time, headers: trace, reason: .deserialization),
                    Raw(topic: topic, key: own, value: bad, time: time, headers: trace, reason: .deserialization),
                    Raw(topic: topic, key: nil, value: own, time: time, headers: trace, reason: .nullKey),
                    Raw(topic: topic, key: own, value: own, time: -1, headers: trace, reason: .invalidTimestamp),
                ]
                // In a table it is a deletion.
                if !of.tables.contains(topic) {
                    records.append(Raw(topic: topic, key: own, value: nil, time: time, headers: trace, reason: .nullValue))
                }
                return records
            }
        }

        /// Runs all input there is.
        func run(
            _ middle: [Raw], fuse: Int = 0, _ policies: FailurePolicies = FailurePolicies()
        ) async throws -> (run: EngineRun, app: StreamsApp) {
            let run = try start(middle, fuse: fuse, policies)
            return (run, try await run.runUntilIdle())
        }

        func start(_ middle: [Raw], fuse: Int, _ policies: FailurePolicies) throws -> EngineRun {
            let topics = (of.topics + ["out", "dead", "names"]).map { ($0, Int32(1)) }
            let run = try EngineRun(try of.engineCase(Fuse(times: fuse)).topology(), topics: Dictionary(uniqueKeysWithValues: topics))
            run.memory = MemoryByteStore()
            run.configuration.failures = policies
            try run.put([Input(topic: "names", key: "a", value: "A", time: 0)])
            try run.put(before + middle + after)
            return run
        }

        /// What came out for keys that are not the poison's.
        func others(_ run: EngineRun) throws -> [[UInt8]: [String]] {
            of.engineCase(Fuse(times: 0)).compared(try run.lists(of: "out")).filter { key, _ in
                !String(decoding: key, as: UTF8.self).contains("poison")
            }
        }

        /// Where a record lies that was put between the others.
        func place(of record: Raw, in middle: [Raw]) -> Offset? {
            let same = (before + middle).filter { $0.topic == record.topic }
            return same.firstIndex(of: record).map { Offset(Int64($0)) }
        }
    }

    private static let policies: [FailurePolicy] = [.skip, .deadLetter(topic: "dead")]

    @Test(arguments: PoisonOperator.all) func othersAreNotTouched(_ op: PoisonOperator) async throws {
        let poisoned = Case(op)
        let (clean, undisturbed) = try await poisoned.run(poisoned.partners() + [poisoned.boom("fine")])
        let expected = try poisoned.others(clean)
        #expect(!expected.isEmpty)
        let middle = poisoned.refused + poisoned.partners(headers: 10_000) + [poisoned.boom()]
        for policy in Self.policies {
            let isSent = policy != .skip
            let (run, app) = try await poisoned.run(
                middle, fuse: .max,
                FailurePolicies(
                    deserialization: policy, processing: policy, production: policy,
                    deadLettersOfDropped: isSent ? [.nullKey: "dead", .nullValue: "dead", .invalidTimestamp: "dead"] : [:]))
            #expect(try poisoned.others(run) == expected)
            let left = middle.filter { $0.reason != nil && (op.hasClosure && !op.isHeld || $0.reason != .processing) }
            let counts = Dictionary(left.compactMap(\.reason).map { ($0, 1) }, uniquingKeysWith: +)
            var dropped = app.droppedRecords
            // What is held may be several windows.
            if op.isHeld { #expect(dropped.removeValue(forKey: .processing) ?? 0 > 0) }
            #expect(without(dropped) == without(counts.merging(undisturbed.droppedRecords, uniquingKeysWith: +)))
            let letters = try run.records(of: "dead")
            #expect(letters.count == (isSent ? left.count : 0))
            for record in isSent ? left : [] { try checkLetter(letters, of: record, poisoned.place(of: record, in: middle)) }
        }
    }

    /// How many answers come too late depends on how the work is spread over tasks.
    private func without(_ dropped: [DropReason: Int]) -> [DropReason: Int] { dropped.filter { $0.key != .outdatedAnswer } }

    /// The letter of a record carries it as it was, and says where it lies.
    private func checkLetter(_ letters: [WrittenRecord], of record: Raw, _ place: Offset?) throws {
        func text(_ letter: WrittenRecord, _ name: String) -> String {
            String(decoding: letter.headers.last(named: "__streams.errors." + name)?.value ?? [], as: UTF8.self)
        }
        let offset = try #require(place)
        let own = letters.filter { text($0, "topic") == record.topic && text($0, "offset") == "\(offset)" }
        let letter = try #require(own.first, "\(record)")
        #expect(own.count == 1)
        #expect(letter.key == record.key && letter.value == record.value && letter.timestamp.milliseconds == max(0, record.time))
        #expect(Array(letter.headers.prefix(record.headers.count)) == Array(record.headers))
        #expect(text(letter, "partition") == "0")
        let kinds: [DropReason: String] = [.deserialization: "serialization", .processing: "processing"]
        #expect(text(letter, "exception") == record.reason.map { kinds[$0] ?? $0.rawValue })
        #expect(!text(letter, "message").isEmpty)
    }

    /// The error names node, task and record, and the record is met again at the next start.
    @Test(arguments: PoisonOperator.all) func stopNamesTheRecord(_ op: PoisonOperator) async throws {
        let poisoned = Case(op)
        for record in [poisoned.refused[1]] + (op.hasClosure ? [poisoned.boom()] : []) {
            let middle = poisoned.partners() + [record]
            let run = try poisoned.start(middle, fuse: .max, FailurePolicies())
            for _ in 0..<2 {
                let error = try #require(await #expect(throws: MillraceError.self) { try await run.runUntilIdle() })
                #expect(error.kind == (record.reason == .processing ? .processing : .serialization))
                #expect(error.node != nil && error.task != nil)
                if op.isHeld, record.reason == .processing { continue }
                #expect(
                    error.record
                        == RecordMetadata(topic: record.topic, partition: 0, offset: try #require(poisoned.place(of: record, in: middle))))
            }
            #expect(try run.records(of: "dead").isEmpty)
        }
    }

    /// A closure that fails twice and then succeeds: the output is that of one which did not fail, since nothing of the attempts is kept.
    @Test(arguments: PoisonOperator.all.filter(\.hasClosure)) func attemptsLeaveNothingBehind(_ op: PoisonOperator) async throws {
        let poisoned = Case(op)
        let middle = poisoned.partners() + [poisoned.boom()]
        let expected = try await poisoned.run(middle).run
        let (run, app) = try await poisoned.run(
            middle, fuse: 2, FailurePolicies(restarts: RestartPolicy(attempts: 2, backoff: .zero)))
        let compared = op.engineCase(Fuse(times: 0)).compared
        #expect(compared(try run.lists(of: "out")) == compared(try expected.lists(of: "out")))
        #expect(app.droppedRecords[.processing] == nil)
    }

    /// Records of the last two moments there are do what records of the far future do: no sum of times overflows.
    @Test(arguments: PoisonOperator.all) func theEndOfTime(_ op: PoisonOperator) async throws {
        let poisoned = Case(op)
        func records(at end: Int64) -> [Raw] {
            [end - 1, end].flatMap { time in
                poisoned.partners().map { record in
                    var record = record
                    record.time = time
                    return record
                }
            }
        }
        let (far, _) = try await poisoned.run(records(at: 1 << 52))
        let (run, _) = try await poisoned.run(records(at: .max))
        // Unlimited windows end at the last moment, as in Kafka Streams.
        if op.description != "unlimited" { #expect(try poisoned.others(run) == poisoned.others(far)) }
        // Time is as far after a restart, with state and without.
        try await run.runUntilIdle()
        run.memory = MemoryByteStore()
        try await run.runUntilIdle()
    }
}

extension EngineRun {
    /// Appends records as they are, a few to a batch, in their order for each topic.
    func put(_ records: [PoisonOperatorTests.Raw]) throws {
        for (topic, records) in Dictionary(grouping: records, by: \.topic).sorted(by: { $0.key < $1.key }) {
            let session = try log.openSession(named: "raw", group: "raw")
            let writer = RecordBatchWriter(batchSize: 256)
            for record in records {
                try record.key.withBytes { key in
                    try record.value.withBytes {
                        try writer.append(timestamp: Timestamp(milliseconds: record.time), headers: record.headers, key: key, value: $0)
                    }
                }
            }
            try writer.finish()
            _ = try session.commit(
                [OutputBatches(partition: TopicPartition(topic, 0), bytes: writer.output, recordCount: records.count)], offsets: [:])
            session.close()
        }
    }
}

extension [UInt8]? {
    fileprivate func withBytes(_ body: (UnsafeRawBufferPointer?) throws -> Void) rethrows {
        guard let self else { return try body(nil) }
        try self.withUnsafeBytes { try body($0) }
    }
}
