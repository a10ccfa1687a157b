import Foundation
import Millrace
import MillraceTestKit
import Synchronization
import Testing

/// Asynchronous calls in the real engine: commits behind them, bounds, stopping, failures.
///
/// Calls run on Swift's threads, which other tests keep busy for long: so they may take as long as they want here, unless that is what is tested.
@Suite struct AsyncEngineTests {
    private func run(_ topics: [String: Int32] = ["in": 1, "out": 1], _ describe: (KStream<String, String>) -> Void) throws -> EngineRun {
        let builder = StreamsBuilder()
        describe(builder.stream("in", key: .string, value: .string))
        let run = try EngineRun(try builder.build(), topics: topics)
        run.memory = MemoryByteStore()
        return run
    }

    private func inputs(_ count: Int, keys: Int = 5) -> [Input] {
        (0..<count).map { Input(topic: "in", key: "k\($0 % keys)", value: "\($0)", time: Int64($0)) }
    }

    private func committed(_ run: EngineRun) throws -> Int {
        let partition = TopicPartition("in", 0)
        return Int(try run.log.committedOffsets(of: "app", for: [partition])[partition]?.offset.value ?? 0)
    }

    /// Each record has one result, so what is committed of the input and what is there of the output must agree at any time.
    @Test func offsetsAreNeverAheadOfResults() async throws {
        let run = try run { stream in
            stream.mapValuesAsync(inFlight: 8, timeout: nil) { value in
                try await Task.sleep(for: .microseconds((Int(value) ?? 0) % 7 * 100))
                return value
            }.to("out")
        }
        run.useSmallCommits()
        try run.put(inputs(400), batch: 3)
        for (number, commit) in [1, 1, 2, 1, 1].enumerated() {
            run.faults.fail(at: commit, after: number % 2 == 0)
            let app = run.app
            app.shutDownWhenIdle()
            await #expect(throws: MillraceError.self) { try await app.run() }
            #expect(try run.records(of: "out").count == committed(run))
        }
        run.faults.fail(at: nil, after: false)
        try await run.runUntilIdle()
        #expect(try run.records(of: "out").map { EngineRun.text($0.value ?? []) } == (0..<400).map { "\($0)" })
    }

    @Test func cancellingAtAnyMomentLosesAndRepeatsNothing() async throws {
        let run = try run { stream in
            stream.groupByKey().count(in: "counts").toStream().mapValuesAsync(inFlight: 8, timeout: nil) { count in
                try await Task.sleep(for: .milliseconds(1))
                return "\(count ?? 0)"
            }.to("out")
        }
        run.configuration.commitInterval = .zero
        try run.put(inputs(200), batch: 3)
        for round in 0..<6 {
            let app = run.app
            let task = Task { try await app.run() }
            try await Task.sleep(for: .milliseconds(7 * round))
            if round % 2 == 0 {
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
            } else {
                app.shutDown()
                try await task.value
            }
            #expect(try run.records(of: "out").count == committed(run))
        }
        try await run.runUntilIdle()
        let lists = try run.lists(of: "out").mapValues { $0.map { String($0.prefix { $0 != "@" }) } }
        for (_, list) in lists { #expect(list == (1...40).map { "\($0)" }) }
        #expect(lists.count == 5)
    }

    @Test func noMoreAreInFlightThanAllowed() async throws {
        let calls = Calls()
        let run = try run { stream in
            stream.mapValuesAsync(inFlight: 3, timeout: nil) { value in
                try await calls.work(value) {
                    try await Task.sleep(for: .milliseconds(1))
                    return value
                }
            }.to("out")
        }
        try run.put(inputs(60, keys: 60))
        try await run.runUntilIdle()
        #expect(calls.most <= 3)
        #expect(calls.begun.count == 60)
    }

    /// A call that hangs keeps neither shutting down from ending, once its time is over, nor cancelling, at once.
    @Test func callsThatHang() async throws {
        let calls = Calls(isOpen: false)
        let run = try run { stream in
            stream.mapValuesAsync(timeout: .milliseconds(50)) { value in await calls.work(value) { value } }.to("out")
        }
        run.configuration.failures.processing = .skip
        try run.put(inputs(3))
        let app = run.app
        let task = Task { try await app.run() }
        while calls.begun.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        app.shutDown()
        try await task.value
        #expect((app.droppedRecords[.processing] ?? 0) >= 1)
        calls.open()

        let others = Calls(isOpen: false)
        let endless = try self.run { stream in
            stream.flatMapValues { [$0, $0, $0] }.mapValuesAsync(inFlight: 1, timeout: nil) { value in
                await others.work(value) { value }
            }.to("out")
        }
        try endless.put(inputs(3))
        let endlessApp = endless.app
        let endlessTask = Task { try await endlessApp.run() }
        while others.begun.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        // The worker waits in the middle of a record, since one became more than may be in flight.
        endlessTask.cancel()
        await #expect(throws: CancellationError.self) { try await endlessTask.value }
        #expect(try endless.records(of: "out").isEmpty)
        others.open()
    }

    @Test func whatFailsGoesToTheDeadLetters() async throws {
        let run = try run(["in": 1, "out": 1, "dead": 1]) { stream in
            stream.mapValuesAsync(timeout: nil, retry: .fixed(attempts: 1, every: .milliseconds(1))) { value in
                if (Int(value) ?? 0) % 4 == 2 { throw MillraceError(.processing, "no even halves") }
                return value
            }.to("out")
        }
        run.configuration.failures.processing = .deadLetter(topic: "dead")
        try run.put(inputs(20))
        let app = try await run.runUntilIdle()
        let dead = try run.records(of: "dead")
        #expect(dead.map { EngineRun.text($0.value ?? []) } == ["2", "6", "10", "14", "18"])
        #expect(dead.map { EngineRun.text($0.key ?? []) } == ["k2", "k1", "k0", "k4", "k3"])
        #expect(dead.map(\.timestamp) == [2, 6, 10, 14, 18])
        #expect(
            dead.map { $0.headers.last(named: "__streams.errors.offset")?.value ?? [] }
                == ["2", "6", "10", "14", "18"].map { Array($0.utf8) })
        #expect(app.droppedRecords == [.processing: 5])
        #expect(try run.records(of: "out").count == 15)
    }

    /// Timers and punctuations by stream time see what is asynchronous before them as if it was not.
    @Test func streamTimeWaitsForResults() async throws {
        final class Sum: Processor {
            let context: ProcessorContext<String, String>
            var count = 0
            init(_ context: ProcessorContext<String, String>) throws {
                self.context = context
                try context.schedule(every: .milliseconds(10), by: .stream) { [unowned self] now in
                    try context.forward(Record(key: "tick", value: "\(count)", timestamp: now))
                }
            }
            func process(_ record: Record<String, String>) throws { count += 1 }
        }
        let run = try run { stream in
            stream.mapValuesAsync(inFlight: 16, timeout: nil) { value in
                try await Task.sleep(for: .microseconds(300))
                return value
            }.process { try Sum($0) }.to("out")
        }
        try run.put(inputs(60))
        try await run.runUntilIdle()
        #expect(try run.lists(of: "out") == [Array("tick".utf8): ["1@0", "11@10", "21@20", "31@30", "41@40", "51@50"]])
    }

    @Test func severalThreadsAndTasks() async throws {
        let run = try run(["in": 4, "out": 4]) { stream in
            stream.mapValuesAsync(inFlight: 8, timeout: nil) { value in
                try await Task.sleep(for: .microseconds(200))
                return value
            }.groupByKey().count(in: "counts").toStream().mapValues { "\($0 ?? 0)" }.to("out")
        }
        run.configuration.threads = 2
        run.useSmallCommits()
        try run.put(inputs(200, keys: 20), batch: 3)
        try await run.runUntilIdle(failingAt: [2, 4, 3], after: true)
        let lists = try run.lists(of: "out")
        #expect(lists.count == 20)
        for (_, list) in lists { #expect(list.map { $0.prefix { $0 != "@" } } == (1...10).map { "\($0)" }) }
    }

    /// Calls that are always at work, in two tasks of one worker, do not keep it from committing.
    @Test func commitsComeWhileThereIsAlwaysWork() async throws {
        let run = try run(["in": 2, "out": 2]) { stream in
            stream.mapValuesAsync(inFlight: 4, timeout: nil) { value in
                try await Task.sleep(for: .milliseconds(2))
                return value
            }.to("out")
        }
        run.configuration.commitInterval = .zero
        try run.put(inputs(200, keys: 50))
        try await run.runUntilIdle()
        // One comes at the end in any case; how many before depends on how busy Swift's threads are.
        #expect(run.faults.commits >= 2)
        #expect(try run.records(of: "out").count == 200)
    }

    @Test func workersSleepWhileCallsAreAtWork() async throws {
        let calls = Calls(isOpen: false)
        let run = try run { stream in stream.mapValuesAsync(timeout: nil) { value in await calls.work(value) { value } }.to("out") }
        try run.put(inputs(3))
        let app = run.app
        let task = Task { try await app.run() }
        while calls.begun.count < 3 { try await Task.sleep(for: .milliseconds(1)) }
        try await Task.sleep(for: .milliseconds(200))
        let polls = run.faults.polls
        try await Task.sleep(for: .milliseconds(500))
        // About one a second, where a worker that does not sleep makes thousands.
        #expect(run.faults.polls - polls <= 50)
        calls.open()
        while try run.records(of: "out").count < 3 { try await Task.sleep(for: .milliseconds(1)) }
        app.shutDown()
        try await task.value
    }
}
