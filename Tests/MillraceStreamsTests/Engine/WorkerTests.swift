import Foundation
import Millrace
import MillracePlan
import MillraceTestKit
import Testing

/// Waiting, stopping, and what an app refuses to start with.
@Suite struct WorkerTests {
    private func run(
        _ topics: [String: Int32], optimizations: TopologyOptimizations = [], _ describe: (StreamsBuilder) -> Void
    ) throws -> EngineRun {
        let builder = StreamsBuilder()
        describe(builder)
        let run = try EngineRun(try builder.build(optimizations: optimizations), topics: topics)
        run.memory = MemoryByteStore()
        return run
    }

    private static func join(_ builder: StreamsBuilder) {
        let left: KStream<String, String> = builder.stream("l")
        let right: KStream<String, String> = builder.stream("r")
        left.leftJoin(right, within: JoinWindows(difference: .milliseconds(5), grace: .zero)) { "\($0)+\($1 ?? "-")" }.to("out")
    }

    /// A task that waits for one of its topics waits once, not for every record, and sleeps meanwhile.
    @Test func aTopicThatHasNothingIsWaitedForOnce() async throws {
        let run = try run(["l": 1, "r": 1, "out": 1], Self.join)
        run.configuration.maximumTaskIdle = .milliseconds(300)
        try run.put((0..<2000).map { Input(topic: "l", key: "a", value: "\($0)", time: Int64($0) * 10) })
        let start = ContinuousClock.now
        try await run.runUntilIdle()
        let time = ContinuousClock.now - start
        // However busy the machine is: ten minutes of waiting are not to be missed.
        #expect(time >= .milliseconds(300) && time < .seconds(550), "a wait for each record would take ten minutes")
        #expect(try run.records(of: "out").count == 1999)
    }

    @Test func idlingCostsNothing() async throws {
        let run = try run(["l": 2, "r": 2, "out": 1], Self.join)
        run.configuration.threads = 2
        // A wait that does not end: records are there, but may not be processed.
        run.configuration.maximumTaskIdle = .seconds(3600)
        try run.put((0..<50).map { Input(topic: "l", key: "a", value: "\($0)", time: Int64($0) * 10) })
        let rounds = run.faults.commits
        let app = run.app
        let task = Task { try await app.run() }
        while app.state != .running { try await Task.sleep(for: .milliseconds(5)) }
        // Rest comes some time after the start, later where other tests take the processors; a worker that spins never gets there.
        var polls = Int.max
        for _ in 0..<20 where polls > 6 {
            let before = run.faults.polls
            try await Task.sleep(for: .milliseconds(1000))
            polls = run.faults.polls - before
        }
        #expect(polls <= 6, "each worker looks around once a second")
        #expect(run.faults.commits == rounds)
        app.shutDown()
        try await task.value
    }

    @Test func pausedAppsProcessNothing() async throws {
        let run = try run(["in": 1, "out": 1]) { ($0.stream("in") as KStream<String, String>).to("out") }
        let app = run.app
        let task = Task { try await app.run() }
        func waitFor(_ condition: @autoclosure () throws -> Bool) async throws {
            for _ in 0..<1000 where try !condition() { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try condition())
        }
        try await waitFor(app.state == .running)
        app.pause()
        #expect(app.state == .paused)
        try await Task.sleep(for: .milliseconds(50))
        try run.put([Input(topic: "in", key: "a", value: "1", time: 1)])
        try await Task.sleep(for: .milliseconds(100))
        #expect(try run.records(of: "out").isEmpty)
        app.resume()
        try await waitFor(try run.records(of: "out").count == 1)
        app.pause()
        app.shutDown()
        try await task.value
        #expect(app.state == .stopped)
    }

    @Test func whatComesAfterTheStartAtTheEndIsTheApps() async throws {
        let run = try run(["in": 1, "out": 1]) {
            ($0.stream("in", key: .string, value: .string, startingAt: .latest) as KStream<String, String>).to("out")
        }
        try run.put([Input(topic: "in", key: "a", value: "old", time: 1)])
        try await run.runUntilIdle()
        try run.put([Input(topic: "in", key: "a", value: "new", time: 2)])
        try await run.runUntilIdle()
        #expect(try run.lists(of: "out").values.first == ["new@2"])
    }

    @Test func topicsThatAreNotThere() async throws {
        let run = try run(["out": 1]) { ($0.stream("in") as KStream<String, String>).to("out") }
        let error = await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        #expect(error?.message == "The app reads topic in, which does not exist. Create it first.")
        let other = try self.run(["in": 1]) { ($0.stream("in") as KStream<String, String>).to("out") }
        let otherError = await #expect(throws: MillraceError.self) { try await other.runUntilIdle() }
        #expect(otherError?.message == "The app writes to topic out, which does not exist. Create it first.")
        let letters = try self.run(["in": 1, "out": 1]) { ($0.stream("in") as KStream<String, String>).to("out") }
        letters.configuration.failures.processing = .deadLetter(topic: "dead")
        let lettersError = await #expect(throws: MillraceError.self) { try await letters.runUntilIdle() }
        #expect(lettersError?.message.contains("dead-letter topic dead does not exist") == true)
    }

    @Test func topicsOfDifferentSizesAreNotJoined() async throws {
        let run = try run(["l": 2, "r": 3, "out": 1], Self.join)
        let error = await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("l has 2") == true && error?.message.contains("r has 3") == true)
        #expect(try run.log.listTopics() == ["l", "out", "r"], "a start that fails leaves nothing behind")
    }

    @Test func internalTopicsOfTheWrongSize() async throws {
        let run = try run(["in": 2, "out": 1]) {
            ($0.stream("in") as KStream<String, String>).groupByKey().count(in: "counts").toStream().to("out")
        }
        try run.log.createTopic(TopicSpecification("app-counts-changelog", partitions: 3))
        let error = await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        #expect(error?.message.contains("app-counts-changelog belongs to this app and has 3 partitions, but the topology needs 2") == true)
    }

    @Test func topicsOfDifferentSizesInOneSubtopology() async throws {
        let run = try run(["l": 3, "r": 1, "out": 1]) {
            ($0.stream("l") as KStream<String, String>).merge(with: $0.stream("r")).to("out")
        }
        try run.put(EngineCase.inputs(["l", "r"], count: 40))
        try await run.runUntilIdle()
        #expect(try run.records(of: "out").count == 40)
    }

    @Test func aTopicWithoutRecords() async throws {
        let run = try run(["l": 1, "r": 1, "out": 1], Self.join)
        try await run.runUntilIdle()
        #expect(try run.records(of: "out").isEmpty)
    }

    /// Timestamps at the ends of what is possible go through all kinds of operators.
    @Test(arguments: EngineCase.all + EngineCase.timed)
    func extremeTimestamps(_ engineCase: EngineCase) async throws {
        var topics = Dictionary(uniqueKeysWithValues: engineCase.topics.map { ($0, Int32(1)) })
        topics["out"] = 1
        let run = try EngineRun(try engineCase.topology(), topics: topics)
        run.memory = MemoryByteStore()
        let times: [Int64] = [0, .max - 5, .max - 1, .max, 7, .max]
        let inputs = times.enumerated().map {
            Input(topic: engineCase.topics[$0 % engineCase.topics.count], key: "a", value: "v\($0)", time: $1)
        }
        run.useSmallCommits()
        try run.put(inputs, batch: 1)
        try await run.runUntilIdle(failingAt: [2], after: true)
        let expected = try EngineRun.reference(run.topology, inputs, "out")
        if engineCase.topics.count == 1 { #expect(try run.lists(of: "out") == expected) }
    }

    @Test func negativeTimestampsAreDropped() async throws {
        let run = try run(["in": 1, "out": 1]) { ($0.stream("in") as KStream<String, String>).to("out") }
        try run.put([Input(topic: "in", key: "a", value: "1", time: -1), Input(topic: "in", key: "a", value: "2", time: 5)])
        let app = try await run.runUntilIdle()
        #expect(app.droppedRecords == [.invalidTimestamp: 1])
        #expect(try run.records(of: "out").count == 1)
    }

    @Test func globalTablesFollowTheirTopicInAllWorkers() async throws {
        let run = try run(["in": 2, "names": 2, "out": 2]) {
            let names: GlobalKTable<String, String> = $0.globalTable("names", in: "names")
            ($0.stream("in") as KStream<String, String>).leftJoin(names, on: { key, _ in key }) { "\($0)=\($1 ?? "-")" }.to("out")
        }
        run.configuration.threads = 2
        let keys = ["a", "b", "c", "d", "e"]
        let app = run.app
        let task = Task { try await app.run() }
        while app.state != .running { try await Task.sleep(for: .milliseconds(5)) }
        try run.put(keys.map { Input(topic: "names", key: $0, value: "name of \($0)", time: 1) })
        try await Task.sleep(for: .milliseconds(200))
        try run.put(keys.map { Input(topic: "in", key: $0, value: "1", time: 2) })
        app.shutDownWhenIdle()
        try await task.value
        #expect(try Set(run.lists(of: "out").values.joined()) == Set(keys.map { "1=name of \($0)@2" }))
    }

    /// One record that matches very many is committed by itself, not with thousands like it.
    @Test func outputsOfFewRecordsAreCommittedEarly() async throws {
        let run = try run(["in": 1, "out": 1]) {
            ($0.stream("in") as KStream<String, String>).flatMapValues { value in (0..<2000).map { "\(value)-\($0)" } }.to("out")
        }
        run.configuration.memoryBudget = 256 << 10
        run.configuration.commitInterval = .seconds(60)
        try run.put((0..<100).map { Input(topic: "in", key: "a", value: "\($0)", time: Int64($0)) }, batch: 100)
        let app = try await run.runUntilIdle()
        #expect(app.processedRecords == 100)
        #expect(try run.records(of: "out").count == 200_000)
        #expect(run.faults.largestCommit < 1 << 20)
    }
}
