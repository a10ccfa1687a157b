import Foundation
import Millrace
import MillraceTestKit
import Testing

/// Time that goes on when input stops, in the real engine.
@Suite struct IdlenessEngineTests {
    private func run(after duration: Duration) throws -> EngineRun {
        let builder = StreamsBuilder()
        builder.idleness(after: duration)
        builder.stream("in", key: .string, value: .string).selectKey { _, value in value }.groupByKey()
            .windowedBy(TimeWindows.tumbling(size: .milliseconds(50)), emit: .onWindowClose).count(in: "counts")
            .toStream { key, _ in key.key }.mapValues { "\($0 ?? 0)" }.to("out")
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "out": 1])
        run.memory = MemoryByteStore()
        return run
    }

    private func wait(for condition: () throws -> Bool) async throws {
        for _ in 0..<5000 where try !condition() { try await Task.sleep(for: .milliseconds(2)) }
        #expect(try condition())
    }

    /// The windows are behind a repartition topic, in a task of its own. A crash at the commit of what closed sends it once all the same.
    @Test(arguments: [false, true]) func windowsCloseOnceOverCrashes(after: Bool) async throws {
        let run = try run(after: .milliseconds(60))
        try run.put([Input(topic: "in", key: "a", value: "x", time: 1000), Input(topic: "in", key: "a", value: "x", time: 1001)])
        run.faults.fail(at: 3, after: after)
        await #expect(throws: MillraceError.self) { try await run.app.run() }
        run.faults.fail(at: nil, after: false)
        let app = run.app
        let task = Task { try await app.run() }
        try await wait { try run.records(of: "out").count >= 1 }
        try await Task.sleep(for: .milliseconds(150))
        app.shutDown()
        try await task.value
        #expect(try run.lists(of: "out") == [Array("x".utf8): ["2@1001"]])
    }

    @Test func timeThatWasReachedIsKept() async throws {
        let run = try run(after: .milliseconds(60))
        try run.put([Input(topic: "in", key: "a", value: "x", time: 1000)])
        let app = run.app
        let task = Task { try await app.run() }
        try await wait { try run.records(of: "out").count == 1 }
        app.shutDown()
        try await task.value
        // The window from 1000 to 1050 was sent: a record in it is late, also after a restart that lost the state.
        run.memory = MemoryByteStore()
        try run.put([Input(topic: "in", key: "a", value: "x", time: 1001)])
        let second = try await run.runUntilIdle()
        #expect(second.droppedRecords == [.late: 1])
        #expect(try run.records(of: "out").count == 1)
    }
}
