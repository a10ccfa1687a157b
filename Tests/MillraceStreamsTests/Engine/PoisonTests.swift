import Millrace
import MillraceFormats
import MillraceTestKit
import Testing

/// Records that nobody wants, for every policy and kind of operator: the app stops with an error that names the record, or goes on, and the other records are not touched.
@Suite struct PoisonTests {
    enum Poison: String, CaseIterable, Sendable {
        case badValue, badKey, negativeTime, endOfTime, manyHeaders, empty
    }

    private static let bad: [UInt8] = [0xFF, 0xFE, 0x80]

    /// The good records of a case with poison between them.
    private func put(_ poison: Poison, into run: EngineRun, _ engineCase: EngineCase) throws {
        let half = engineCase.inputs.count / 2
        try run.put(Array(engineCase.inputs[..<half]))
        for topic in engineCase.topics {
            let session = try run.log.openSession(named: "poison", group: "poison")
            let writer = RecordBatchWriter()
            let time = engineCase.inputs[half].time
            let key = poison == .badKey ? Self.bad : Array("poison".utf8)
            let value = poison == .badValue ? Self.bad : poison == .empty ? [] : Array("v0".utf8)
            let stamp = poison == .negativeTime ? -1 : poison == .endOfTime ? Int64.max : time
            let headers = Headers(poison == .manyHeaders ? (0..<10_000).map { Header("h\($0)", [1]) } : [Header]())
            try key.withUnsafeBytes { key in
                try value.withUnsafeBytes {
                    try writer.append(timestamp: Timestamp(milliseconds: stamp), headers: headers, key: key, value: $0)
                }
            }
            try writer.finish()
            _ = try session.commit(
                [OutputBatches(partition: TopicPartition(topic, 0), bytes: writer.output, recordCount: 1)], offsets: [:])
            session.close()
        }
        try run.put(Array(engineCase.inputs[half...]))
    }

    private func run(_ engineCase: EngineCase, _ policy: FailurePolicy) throws -> EngineRun {
        let topics = (engineCase.topics + ["out", "dead"]).map { ($0, Int32(1)) }
        let run = try EngineRun(try engineCase.topology(), topics: Dictionary(uniqueKeysWithValues: topics))
        run.memory = MemoryByteStore()
        run.configuration.failures = FailurePolicies(deserialization: policy, processing: policy, production: policy)
        return run
    }

    @Test(arguments: EngineCase.all, [FailurePolicy.skip, .deadLetter(topic: "dead")])
    func othersAreNotTouched(_ engineCase: EngineCase, _ policy: FailurePolicy) async throws {
        let clean = try run(engineCase, policy)
        try clean.put(engineCase.inputs)
        try await clean.runUntilIdle()
        let expected = engineCase.compared(try clean.lists(of: "out"))
        // A record at the end of time makes all after it late where there is time, which is as it must be; there it is only asked to go on.
        for poison in Poison.allCases {
            let run = try run(engineCase, policy)
            try put(poison, into: run, engineCase)
            let app = try await run.runUntilIdle()
            if poison == .badValue || poison == .badKey {
                #expect(app.droppedRecords[.deserialization] == engineCase.topics.count, "\(poison)")
                let letters = try run.records(of: "dead")
                #expect(letters.count == (policy == .skip ? 0 : engineCase.topics.count))
                #expect(letters.allSatisfy { $0.value == Self.bad || $0.key == Self.bad })
            }
            if poison == .negativeTime { #expect(app.droppedRecords[.invalidTimestamp] == engineCase.topics.count) }
            guard poison != .endOfTime else { continue }
            let found = engineCase.compared(try run.lists(of: "out"))
            for (key, list) in expected { #expect(found[key] == list, "\(poison), key \(EngineRun.text(key))") }
        }
    }

    @Test(arguments: EngineCase.all)
    func stopNamesTheRecord(_ engineCase: EngineCase) async throws {
        for poison in [Poison.badValue, .badKey] {
            let run = try run(engineCase, .stop)
            try put(poison, into: run, engineCase)
            let error = await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
            #expect(error?.kind == .serialization)
            #expect(error?.record.map { engineCase.topics.contains($0.topic) } == true)
            // It is met again: nothing is passed over in silence.
            await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        }
    }

    /// 100 MB in one record, through a closure to a topic that has room for its result, and to one that does not take it; the letter has it in full.
    @Test(arguments: [FailurePolicy.skip, .deadLetter(topic: "dead")]) func aHugeValue(_ policy: FailurePolicy) async throws {
        let builder = StreamsBuilder()
        let lines: KStream<String, String> = builder.stream("in")
        lines.mapValues { "\($0.utf8.count)" }.to("out")
        lines.to("small")
        let run = try EngineRun(try builder.build(), topics: ["out": 1, "small": 1])
        run.memory = MemoryByteStore()
        run.configuration.failures = FailurePolicies(production: policy)
        for topic in ["in", "dead"] {
            try run.log.createTopic(TopicSpecification(topic, partitions: 1, settings: ["max.message.bytes": "120000000"]))
        }
        try run.put([
            Input(topic: "in", key: "a", value: "1", time: 1),
            Input(topic: "in", key: "a", value: String(repeating: "x", count: 100_000_000), time: 2),
            Input(topic: "in", key: "a", value: "3", time: 3),
        ])
        let app = try await run.runUntilIdle()
        #expect(app.droppedRecords == [.production: 1])
        #expect(try run.records(of: "out").map { EngineRun.text($0.value ?? []) } == ["1", "100000000", "1"])
        #expect(try run.records(of: "small").count == 2)
        #expect(try run.records(of: "dead").map { $0.value?.count } == (policy == .skip ? [] : [100_000_000]))
    }
}
