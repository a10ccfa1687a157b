import Millrace
import MillraceTestKit
import Synchronization
import Testing

/// Bugs of restoring and committing in Kafka Streams.
@Suite struct RestoreBugTests {
    private func count() throws -> EngineRun {
        let builder = StreamsBuilder()
        let lines: KStream<String, String> = builder.stream("in")
        lines.groupByKey().count(in: "counts").toStream().to("out")
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "out": 1])
        run.memory = MemoryByteStore()
        run.useSmallCommits()
        return run
    }

    private static let inputs = (0..<40).map { Input(topic: "in", key: "k\($0 % 4)", value: "v", time: Int64($0)) }
    private static let changelog = TopicPartition("app-counts-changelog", 0)

    /// KAFKA-7443, KAFKA-10664: local state whose changelog does not go back so far any more was met with "out of range" again and again.
    @Test func aChangelogThatStartsBehindTheLocalState() async throws {
        let run = try count()
        try run.put(Array(Self.inputs[..<12]), batch: 3)
        try await run.runUntilIdle()
        let old = try run.memory?.copy()
        try run.put(Array(Self.inputs[12...]), batch: 3)
        try await run.runUntilIdle()
        // What is left has a row of each key, and begins behind the old state.
        let keys = try run.records(of: Self.changelog.topic).map(\.key)
        var met: Set<[UInt8]?> = []
        let start = Offset(Int64(try #require(keys.lastIndex { met.insert($0).inserted && met == Set(keys) })))
        try run.log.deleteRecords(before: [Self.changelog: start])
        run.memory = old
        try run.put((0..<4).map { Input(topic: "in", key: "k\($0)", value: "v", time: 100) })
        try await run.runUntilIdle()
        #expect(run.said.contains("the changelog now starts at offset \(start)"))
        #expect(try run.lists(of: "out").values.allSatisfy { $0.last?.hasSuffix("@100") == true && $0.count == 11 })
        let last = try run.records(of: "out").suffix(4).map { $0.value }
        #expect(last == [UInt8](repeating: 11, count: 4).map { [0, 0, 0, 0, 0, 0, 0, $0] })
    }

    /// KAFKA-13249: the position noted at the end of a run was not the end, so the next one restored rows it had.
    /// KAFKA-14406: records were restored, and counted, twice.
    @Test func aRunThatEndedWellLeavesNothingToRestore() async throws {
        let run = try count()
        let restored = Mutex<[RestoreProgress]>([])
        run.configuration.onRestore = { progress in restored.withLock { $0.append(progress) } }
        try run.put(Self.inputs, batch: 3)
        try await run.runUntilIdle()
        try await run.runUntilIdle()
        #expect(restored.withLock { $0 }.isEmpty)
        run.memory = MemoryByteStore()
        try await run.runUntilIdle()
        let range = try run.log.offsetRange(of: Self.changelog)
        #expect(restored.withLock { $0.last?.restored } == range.upperBound.value - range.lowerBound.value)
    }
}
