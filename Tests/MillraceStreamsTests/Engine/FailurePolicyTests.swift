import Millrace
import MillraceTestKit
import Synchronization
import Testing

/// What happens to records that fail, are late or cannot be written.
@Suite struct FailurePolicyTests {
    private func run(beside others: [String] = [], _ describe: (StreamsBuilder) -> Void) throws -> EngineRun {
        let builder = StreamsBuilder()
        describe(builder)
        let run = try EngineRun(
            try builder.build(), topics: Dictionary(uniqueKeysWithValues: (["in", "out", "dead"] + others).map { ($0, 1) }))
        run.memory = MemoryByteStore()
        return run
    }

    private static let inputs = ["1", "x", "3"].enumerated().map { Input(topic: "in", key: "k", value: $1, time: Int64($0) + 10) }

    private struct Unlucky: Error {}

    private func failing(on bad: String) -> @Sendable (String) throws -> String {
        { value in
            if value == bad { throw Unlucky() }
            return value
        }
    }

    private static func text(_ records: [WrittenRecord]) -> [String] { records.map { EngineRun.text($0.value ?? []) } }

    @Test func aProcessingErrorStopsTheAppAtItsRecord() async throws {
        let failing = failing(on: "x")
        let run = try run { ($0.stream("in") as KStream<String, String>).mapValues(failing).to("out") }
        try run.put(Self.inputs)
        let error = await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        #expect(error?.kind == .processing)
        #expect(error?.record == RecordMetadata(topic: "in", partition: 0, offset: 1))
        #expect(error?.node == "KSTREAM-MAPVALUES-0000000001")
        #expect(try run.records(of: "out").isEmpty)
    }

    @Test func skippedAndDeadLetters() async throws {
        let failing = failing(on: "x")
        let run = try run { ($0.stream("in") as KStream<String, String>).mapValues(failing).to("out") }
        run.configuration.failures = FailurePolicies(processing: .deadLetter(topic: "dead"))
        try run.put(Self.inputs)
        let app = try await run.runUntilIdle()
        #expect(app.droppedRecords == [.processing: 1])
        #expect(try Self.text(run.records(of: "out")) == ["1", "3"])
        let letter = try #require(try run.records(of: "dead").first)
        #expect(letter.value == Array("x".utf8) && letter.key == Array("k".utf8) && letter.timestamp == 11)
        let headers = Dictionary(uniqueKeysWithValues: letter.headers.map { ($0.name, String(decoding: $0.value ?? [], as: UTF8.self)) })
        #expect(headers["__streams.errors.topic"] == "in")
        #expect(headers["__streams.errors.partition"] == "0")
        #expect(headers["__streams.errors.offset"] == "1")
        #expect(headers["__streams.errors.exception"] == "processing")
        #expect(headers["__streams.errors.message"]?.contains("Unlucky") == true)
    }

    @Test func unreadableRecords() async throws {
        let run = try run { ($0.stream("in", key: .string, value: Serde<Int64>.bigEndian)).mapValues { "\($0)" }.to("out") }
        run.configuration.failures = FailurePolicies(deserialization: .skip)
        try run.put(Self.inputs + [Input(topic: "in", key: "k", value: "12345678", time: 20)])
        let app = try await run.runUntilIdle()
        #expect(app.droppedRecords == [.deserialization: 3])
        #expect(try run.records(of: "out").count == 1)
    }

    /// Only the output that cannot be written is left out: what comes beside and behind it goes on.
    @Test(arguments: [FailurePolicy.skip, .deadLetter(topic: "dead")])
    func recordsThatAreTooLong(_ policy: FailurePolicy) async throws {
        let run = try run(beside: ["beside"]) {
            let values: KStream<String, String> = $0.stream("in")
            values.mapValues { $0 == "x" ? String(repeating: "x", count: 2_000_000) : $0 }.to("out")
            values.to("beside")
        }
        run.configuration.failures = FailurePolicies(production: policy)
        try run.put(Self.inputs)
        let app = try await run.runUntilIdle()
        #expect(app.droppedRecords == [.production: 1])
        #expect(try Self.text(run.records(of: "out")) == ["1", "3"])
        #expect(try Self.text(run.records(of: "beside")) == ["1", "x", "3"])
        #expect(try Self.text(run.records(of: "dead")) == (policy == .skip ? [] : ["x"]))
    }

    /// A record is not given up as long as its letter cannot be written.
    @Test func aLetterThatIsTooLongStopsTheApp() async throws {
        let run = try run { ($0.stream("in") as KStream<String, String>).mapValues { _ -> String in throw Unlucky() }.to("out") }
        try run.log.createTopic(TopicSpecification("short", partitions: 1, settings: ["max.message.bytes": "200"]))
        run.configuration.failures = FailurePolicies(processing: .deadLetter(topic: "short"))
        try run.put(Self.inputs)
        let error = await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        #expect(error?.kind == .production)
        #expect(error?.record == RecordMetadata(topic: "in", partition: 0, offset: 0))
        #expect(error?.message.contains("topic short") == true && error?.message.contains("max.message.bytes") == true)
    }

    @Test func aRecordThatIsTooLongStopsTheApp() async throws {
        let run = try run { ($0.stream("in") as KStream<String, String>).mapValues { String(repeating: $0, count: 2_000_000) }.to("out") }
        try run.put(Self.inputs)
        let error = await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        #expect(error?.kind == .production)
        #expect(error?.message.contains("max.message.bytes") == true)
        #expect(error?.node == "KSTREAM-SINK-0000000002")
    }

    @Test func lateRecordsAndThoseWithoutKeyToDeadLetters() async throws {
        let run = try run {
            ($0.stream("in", key: Serde.string.optional, value: .string)).groupByKey()
                .windowedBy(TimeWindows.hopping(size: .milliseconds(20), advance: .milliseconds(5), grace: .zero)).count(in: "counts")
                .toStream()
                .to("out", key: .timeWindowed(.string, size: .milliseconds(20)))
        }
        run.configuration.failures = FailurePolicies(deadLettersOfDropped: [.late: "dead", .nullKey: "dead"])
        try run.put([
            Input(topic: "in", key: "k", value: "1", time: 100), Input(topic: "in", key: "k", value: "late", time: 10),
            Input(topic: "in", key: nil, value: "keyless", time: 101),
        ])
        try await run.runUntilIdle()
        #expect(try Self.text(run.records(of: "dead")) == ["late", "keyless"])
    }

    @Test func aPunctuationThatThrows() async throws {
        let run = try run {
            ($0.stream("in") as KStream<String, String>).process { (context: ProcessorContext<String, String>) in try Bad(context) }.to(
                "out")
        }
        run.configuration.failures = FailurePolicies(processing: .skip)
        try run.put(Self.inputs)
        let app = try await run.runUntilIdle()
        #expect(app.droppedRecords == [.processing: 2])
        #expect(try Self.text(run.records(of: "out")) == ["1", "x", "3"])
    }

    private final class Bad: Processor {
        let context: ProcessorContext<String, String>

        init(_ context: ProcessorContext<String, String>) throws {
            self.context = context
            try context.schedule(every: .milliseconds(2), by: .stream) { _ in throw Unlucky() }
        }

        func process(_ record: Record<String, String>) throws { try context.forward(record) }
    }

    @Test func globalTablesSkipWhatTheyCannotRead() async throws {
        let run = try run(beside: ["names"]) {
            let names: GlobalKTable<String, Int64> = $0.globalTable("names", key: .string, value: .bigEndian, in: "names")
            ($0.stream("in") as KStream<String, String>).join(names, on: { key, _ in key }) { "\($0)\($1)" }.to("out")
        }
        run.configuration.failures = FailurePolicies(deserialization: .deadLetter(topic: "dead"))
        try run.put([Input(topic: "names", key: "k", value: "bad", time: 1)])
        try run.put(Self.inputs)
        let app = try await run.runUntilIdle()
        #expect(app.droppedRecords[.deserialization] == 1)
        #expect(try run.records(of: "dead").isEmpty)
    }

    /// Retrying is going on from the last commit: what was done in between is not done twice.
    @Test func anAppThatFailsGoesOnFromItsLastCommit() async throws {
        let failures = Counter()
        let run = try run {
            let values: KStream<String, String> = $0.stream("in")
            values.groupByKey().count(in: "counts").mapValues { count -> Int64 in
                if count == 3, failures.next() <= 2 { throw Unlucky() }
                return count
            }.toStream().to("out")
        }
        run.configuration.failures.restarts = RestartPolicy(attempts: 3, backoff: .milliseconds(5))
        let states = EngineRun.Said()
        run.configuration.onStateChange = { states.add("\($0)") }
        try run.put(Self.inputs)
        let app = try await run.runUntilIdle()
        #expect(failures.count == 3)
        #expect(try run.lists(of: "out").values.first?.map { $0.last } == ["0", "1", "2"])
        #expect(app.processedRecords == 3)
        #expect(states.all == ["restoring", "running", "restoring", "running", "restoring", "running", "stopping", "stopped"])
    }

    @Test func restartsEnd() async throws {
        let failing = failing(on: "x")
        let run = try run { ($0.stream("in") as KStream<String, String>).mapValues(failing).to("out") }
        run.configuration.failures.restarts = RestartPolicy(attempts: 2, backoff: .milliseconds(1))
        try run.put(Self.inputs)
        await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        #expect(run.said.all.filter { $0.contains("goes on from its last commit") }.count == 2)
    }

    private final class Counter: Sendable {
        private let value = Mutex(0)
        func next() -> Int {
            value.withLock { value in
                value += 1
                return value
            }
        }
        var count: Int { value.withLock { $0 } }
    }
}
