import Millrace
import MillraceRocksDB
import MillraceTestKit
import Testing

@testable import MillraceStreams

/// A program that has changed since its state directory was last used.
@Suite struct ChangedProgramTests {
    private static func topology(_ describe: (StreamsBuilder) -> Void) throws -> Topology {
        let builder = StreamsBuilder()
        describe(builder)
        return try builder.build()
    }

    private static func count(_ builder: StreamsBuilder, of topic: String = "in", in store: String = "counts") {
        let lines: KStream<String, String> = builder.stream(topic)
        lines.groupByKey().count(in: .init(store)).toStream().to("out")
    }

    private func run(_ describe: (StreamsBuilder) -> Void, like other: EngineRun? = nil) throws -> EngineRun {
        let run = try EngineRun(try Self.topology(describe), topics: ["in": 2, "other": 2, "out": 2])
        run.memory = MemoryByteStore()
        return run
    }

    /// Runs another program where one has run before.
    private func runNext(_ run: EngineRun, _ describe: (StreamsBuilder) -> Void) async throws {
        let app = StreamsApp(try Self.topology(describe), on: run.backend, configuration: run.configuration)
        app.shutDownWhenIdle()
        try await app.run()
    }

    private let inputs = EngineCase.inputs(["in"], count: 60)

    @Test func storesKeepTheirRowsWhenSubtopologiesAreNumberedAnew() async throws {
        let run = try run { Self.count($0) }
        try run.put(Array(inputs[..<30]))
        try await run.runUntilIdle()
        try run.put(Array(inputs[30...]))
        try await runNext(run) { builder in
            Self.count(builder, of: "other", in: "more")
            Self.count(builder)
        }
        #expect(run.said.contains("kept=counts rebuilt=none new=more gone=none"))
        #expect(!run.said.all.contains { $0.contains("there is no local state") && $0.contains("store=counts") && $0.contains("task=1_") })
        #expect(try run.lists(of: "out") == EngineRun.reference(run.topology, inputs, "out"))
    }

    @Test func aStoreThatBecomesOneOfAnotherKindIsRefused() async throws {
        let run = try run { Self.count($0) }
        try run.put(inputs)
        try await run.runUntilIdle()
        func windows(_ builder: StreamsBuilder) {
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupByKey().windowedBy(TimeWindows.tumbling(size: .milliseconds(40), grace: .zero)).count(in: "counts")
        }
        let error = await #expect(throws: MillraceError.self) { try await runNext(run, windows) }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("Store counts was a KeyValueStore") == true)
        #expect(error?.message.contains("delete that topic") == true)
        // As it says.
        try run.log.deleteTopic("app-counts-changelog")
        try await runNext(run, windows)
        #expect(run.said.contains("rebuilt=counts"))
        #expect(run.said.contains("deleted and made again"))
    }

    @Test func storesThatAreGoneAreRemovedAfterAWhile() async throws {
        let run = try run { Self.count($0) }
        try run.put(inputs)
        try await run.runUntilIdle()
        try await runNext(run) { ($0.stream("in") as KStream<String, String>).to("out") }
        #expect(run.said.contains("stores=counts changelogs=app-counts-changelog"))
        let state = try StateDirectory(try #require(run.memory))
        #expect(try state.places().count == 2)
        run.configuration.stateCleanupDelay = .zero
        let stops = StopSignal()
        func app(_ topology: Topology) throws -> AppRun {
            try AppRun(
                configuration: run.configuration, backend: run.backend, topology: topology.plan, state: state, stops: stops,
                progress: AppProgress(transport: run.log, workers: 1, tasks: nil, after: nil, onSettled: { _ in }, onAllIdle: {}),
                metrics: MetricsBoard(), tasks: [], subtopologies: [], queries: StoreQueries { .running })
        }
        // A task that is held keeps its state, one that is elsewhere loses it.
        let same = try app(run.topology)
        #expect(same.claims.claim(TaskID(subtopology: 0, partition: 1), by: 0))
        let upkeep = StateUpkeep(same)
        try upkeep.removeUnused()
        #expect(try state.places().count == 2, "first it is noticed")
        try upkeep.removeUnused()
        #expect(try state.places().map(\.partition) == [1])
        let other = StateUpkeep(try app(try Self.topology { ($0.stream("in") as KStream<String, String>).to("out") }))
        try other.removeUnused()
        try other.removeUnused()
        #expect(try state.places().isEmpty)
        #expect(run.said.contains("reason=the program has no such store any more"))
        #expect(run.said.contains("reason=the task runs elsewhere"))
        // Nothing is left but what is of the directory itself.
        #expect(try RestoreTests.entries(state.database).allSatisfy { $0[0].prefix(4) == [0, 0, 0, 0] && [100, 105].contains($0[0][4]) })
    }

    @Test func recordsThatNobodyWillReadAreToldOf() async throws {
        let run = try run { builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupBy { _, value in value }.count(in: "counts").toStream().to("out")
        }
        try run.put(inputs)
        try await run.runUntilIdle()
        try run.put((0..<5).map { Input(topic: "app-counts-repartition", key: "k\($0)", value: "v", time: 1) })
        try await runNext(run) { Self.count($0, in: "direct") }
        #expect(run.said.contains("have not been processed") && run.said.contains("topic=app-counts-repartition records=5"))
    }

    @Test func aRecordReadsWhatItWrote() throws {
        let run = try run { Self.count($0) }
        try run.log.createTopic(TopicSpecification("app-counts-changelog", partitions: 2))
        let record = try TopologyRecord(run.topology.plan, run.configuration, run.log)
        #expect(TopologyRecord(text: record.text) == record)
        #expect(record.stores["counts"]?.kind == "KeyValueStore")
        #expect(TopologyRecord(text: "\n\t\nstore\tx\nrubbish").stores.isEmpty)
    }
}
