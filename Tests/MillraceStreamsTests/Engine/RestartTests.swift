import Foundation
import Millrace
import MillracePlan
import MillraceTestKit
import Testing

/// Whatever happens to an app between two commits, its outputs are those of an undisturbed run: compared in full with what the test driver writes.
@Suite struct RestartTests {
    /// Topic, partitions and threads.
    private static func run(_ engineCase: EngineCase, partitions: Int32 = 1, threads: Int = 1, onDisk: Bool = false) throws -> EngineRun {
        var topics = Dictionary(uniqueKeysWithValues: engineCase.topics.map { ($0, partitions) })
        topics["out"] = partitions
        let run = try EngineRun(try engineCase.topology(), topics: topics)
        run.configuration.threads = threads
        if !onDisk { run.memory = MemoryByteStore() }
        return run
    }

    private func expectReference(_ run: EngineRun, _ engineCase: EngineCase, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let expected = try EngineRun.reference(run.topology, engineCase.inputs, "out")
        let found = try run.lists(of: "out")
        for (key, list) in engineCase.compared(expected) {
            let list = list
            let other = engineCase.compared(found)[key] ?? []
            #expect(other == list, "key \(EngineRun.text(key)) of \(engineCase)", sourceLocation: sourceLocation)
        }
        #expect(Set(found.keys) == Set(expected.keys), sourceLocation: sourceLocation)
    }

    @Test(arguments: EngineCase.all + EngineCase.timed)
    func undisturbed(_ engineCase: EngineCase) async throws {
        let run = try Self.run(engineCase, onDisk: true)
        try run.put(engineCase.inputs)
        try await run.runUntilIdle()
        try expectReference(run, engineCase)
    }

    @Test(arguments: EngineCase.all)
    func onSeveralPartitionsAndThreads(_ engineCase: EngineCase) async throws {
        let run = try Self.run(engineCase, partitions: 3, threads: 2, onDisk: true)
        run.useSmallCommits()
        try run.put(engineCase.inputs)
        try await run.runUntilIdle()
        try expectReference(run, engineCase)
    }

    /// Every other run ends in a commit that fails, before or after it is done: the state is then older than the topics.
    @Test(arguments: EngineCase.all + EngineCase.timed, [false, true])
    func commitsThatFail(_ engineCase: EngineCase, after: Bool) async throws {
        let run = try Self.run(engineCase)
        run.useSmallCommits()
        try run.put(engineCase.inputs, batch: 3)
        try await run.runUntilIdle(failingAt: [1, 3, 2, 5, 4], after: after)
        try expectReference(run, engineCase)
    }

    @Test(arguments: EngineCase.all)
    func commitsThatFailOnSeveralThreads(_ engineCase: EngineCase) async throws {
        let run = try Self.run(engineCase, partitions: 3, threads: 2)
        run.useSmallCommits()
        try run.put(engineCase.inputs, batch: 3)
        try await run.runUntilIdle(failingAt: [2, 5, 9, 4], after: true)
        try expectReference(run, engineCase)
    }

    @Test(arguments: EngineCase.all + EngineCase.timed)
    func stateThatIsGone(_ engineCase: EngineCase) async throws {
        let run = try Self.run(engineCase)
        run.useSmallCommits()
        let half = engineCase.inputs.count / 2
        try run.put(Array(engineCase.inputs[..<half]), batch: 3)
        try await run.runUntilIdle(failingAt: [4], after: true)
        run.memory = MemoryByteStore()
        try run.put(Array(engineCase.inputs[half...]), batch: 3)
        try await run.runUntilIdle()
        try expectReference(run, engineCase)
    }

    /// What a crash leaves is a prefix of what was written to the state: here that of some commits ago.
    @Test(arguments: EngineCase.all + EngineCase.timed)
    func stateOfAnOlderCommit(_ engineCase: EngineCase) async throws {
        let run = try Self.run(engineCase)
        run.useSmallCommits()
        let third = engineCase.inputs.count / 3
        try run.put(Array(engineCase.inputs[..<third]), batch: 3)
        try await run.runUntilIdle()
        let old = try run.memory?.copy()
        try run.put(Array(engineCase.inputs[third..<2 * third]), batch: 3)
        try await run.runUntilIdle()
        run.memory = old
        try run.put(Array(engineCase.inputs[(2 * third)...]), batch: 3)
        try await run.runUntilIdle()
        try expectReference(run, engineCase)
    }

    @Test func cancellingAbandonsAndTheNextRunGoesOn() async throws {
        let engineCase = EngineCase.all[1]
        let run = try Self.run(engineCase)
        run.useSmallCommits()
        try run.put(engineCase.inputs, batch: 2)
        for _ in 0..<5 {
            let app = run.app
            let task = Task { try await app.run() }
            try await Task.sleep(for: .milliseconds(15))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(app.state == .stopped)
        }
        for _ in 0..<3 {
            let app = run.app
            let task = Task { try await app.run() }
            try await Task.sleep(for: .milliseconds(15))
            app.shutDown()
            try await task.value
        }
        try await run.runUntilIdle()
        try expectReference(run, engineCase)
    }

    @Test func aChangelogThatWasMadeAgainStartsTheStoreAnew() async throws {
        let engineCase = EngineCase.timed[0]
        let run = try Self.run(engineCase, onDisk: true)
        try run.put(engineCase.inputs)
        try await run.runUntilIdle()
        try run.log.deleteTopic("app-counts-changelog")
        // Time starts again with the store: nothing of before may be remembered, neither rows nor how late it is.
        try run.put([Input(topic: "in", key: "z", value: "v", time: 1000)])
        try await run.runUntilIdle()
        #expect(run.said.contains("deleted and made again"))
        #expect(try run.records(of: "app-counts-changelog").count == 1)
    }

    @Test func damagedStateIsRebuiltAndSaidSo() async throws {
        let engineCase = EngineCase.all[1]
        let run = try Self.run(engineCase, onDisk: true)
        let half = engineCase.inputs.count / 2
        try run.put(Array(engineCase.inputs[..<half]))
        try await run.runUntilIdle()
        let current = run.statePath + "/CURRENT"
        try Data("rubbish\n".utf8).write(to: URL(fileURLWithPath: current))
        try run.put(Array(engineCase.inputs[half...]))
        try await run.runUntilIdle()
        #expect(run.said.contains("damaged"))
        #expect(run.said.contains("there is no local state"))
        try expectReference(run, engineCase)
    }

    /// A table that is restored from the topic it is read from must stop where the app has committed: what lies behind has not been processed.
    @Test(arguments: [true, false])
    func aTableOfItsSourceTopicStopsAtTheCommit(stateIsGone: Bool) async throws {
        let builder = StreamsBuilder()
        let rows: KTable<String, String> = builder.table("in", in: "rows")
        rows.groupBy { key, value in (value, key) }.count(in: "counts").toStream().to("out")
        let topology = try builder.build(optimizations: .reuseSourceTopics)
        let run = try EngineRun(topology, topics: ["in": 1, "out": 1])
        run.memory = MemoryByteStore()
        run.useSmallCommits()
        let inputs = EngineCase.inputs(["in"], count: 60) { "g\($0 % 4)" }
        try run.put(Array(inputs[..<30]), batch: 3)
        try await run.runUntilIdle()
        try run.put(Array(inputs[30...]), batch: 3)
        if stateIsGone { run.memory = MemoryByteStore() }
        try await run.runUntilIdle(failingAt: [2], after: true)
        let expected = try EngineRun.reference(topology, inputs, "out").mapValues { $0.last.map { $0.prefix { $0 != "@" } } }
        #expect(try run.lists(of: "out").mapValues { $0.last.map { $0.prefix { $0 != "@" } } } == expected)
        if !stateIsGone { #expect(!run.said.all.dropFirst(4).contains { $0.contains("there is no local state") && $0.contains("rows") }) }
    }
}

extension MemoryByteStore {
    /// Another store of the same content.
    func copy() throws -> MemoryByteStore {
        let copy = MemoryByteStore()
        let batch = copy.makeBatch()
        let cursor = try cursor(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil)
        while try cursor.next() { batch.put(cursor.key, cursor.value) }
        try copy.write(batch)
        return copy
    }
}
