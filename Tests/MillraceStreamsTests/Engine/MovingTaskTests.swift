import Millrace
import MillracePlan
import MillraceTestKit
import Synchronization
import Testing

@testable import MillraceStreams

/// Tasks that move between workers and processes while they work, and the outputs of an undisturbed run.
@Suite struct MovingTaskTests {
    private func run(_ engineCase: EngineCase, partitions: Int32) throws -> EngineRun {
        var topics = Dictionary(uniqueKeysWithValues: engineCase.topics.map { ($0, partitions) })
        topics["out"] = partitions
        let run = try EngineRun(try engineCase.topology(), topics: topics)
        run.useSmallCommits()
        run.memory = MemoryByteStore()
        return run
    }

    private func expectReference(_ run: EngineRun, _ engineCase: EngineCase) throws {
        let expected = try EngineRun.reference(run.topology, engineCase.inputs, "out")
        let found = try run.lists(of: "out")
        for (key, list) in engineCase.compared(expected) {
            let list = list
            let other = engineCase.compared(found)[key] ?? []
            #expect(other == list, "key \(EngineRun.text(key)) of \(engineCase)")
        }
        #expect(Set(found.keys) == Set(expected.keys))
    }

    /// Whether the app has processed and committed all there is.
    private func isDone(_ run: EngineRun) throws -> Bool {
        let sources = Set(run.topology.plan.subtopologies.flatMap(\.sourceTopics))
        for topic in sources {
            let name = run.topology.plan.isInternal(topic) ? "app-\(topic)" : topic
            for partition in 0..<(try run.log.describeTopic(name)?.partitions ?? 0) {
                let partition = TopicPartition(name, partition)
                let committed = try run.log.committedOffsets(of: "app", for: [partition])[partition]?.offset ?? 0
                if try committed < run.log.offsetRange(of: partition).upperBound { return false }
            }
        }
        return true
    }

    /// Two instances of an app, each with a state of its own.
    private func twoApps(of run: EngineRun, in group: FakeGroup) -> [StreamsApp] {
        var backend = run.backend
        backend.transport = group
        return (0..<2).map { _ in
            let memory = MemoryByteStore()
            backend.openState = { _, _, _ in memory }
            return StreamsApp(run.topology, on: backend, configuration: run.configuration)
        }
    }

    /// Two processes of two workers each, in a group that deals tasks anew all the time, with standbys, puts workers out before, in and behind their commits, and does not say of
    /// some commits what became of them.
    @Test(arguments: EngineCase.all.map { ($0, Int32(3)) } + EngineCase.timed.map { ($0, Int32(1)) })
    func groupsThatNeverRest(_ engineCase: EngineCase, partitions: Int32) async throws {
        let run = try run(engineCase, partitions: partitions)
        run.configuration.threads = 2
        try run.put(engineCase.inputs, batch: 2)
        let group = FakeGroup(run.log, seed: UInt64(engineCase.inputs.count) + UInt64(partitions), reassignments: 60)
        let apps = twoApps(of: run, in: group)
        let running = apps.map { app in Task { try await app.run() } }
        var rounds = 0
        while try rounds < 6000 && !(group.isAtRest && isDone(run)) {
            rounds += 1
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(rounds < 6000, "\(engineCase): the group's work does not end")
        for app in apps { app.shutDown() }
        for app in running { try await app.value }
        #expect(group.fencings + group.unknownOutcomes > 0)
        try expectReference(run, engineCase)
    }

    /// One instance asks, all end, with everything committed that they did.
    @Test func theAppEndsOnAllItsInstances() async throws {
        let engineCase = EngineCase.all[1]
        let run = try run(engineCase, partitions: 3)
        run.configuration.threads = 2
        try run.put(engineCase.inputs)
        let group = FakeGroup(run.log, seed: 1, reassignments: 0)
        let apps = twoApps(of: run, in: group)
        let running = apps.map { app in Task { try await app.run() } }
        while try !isDone(run) { try await Task.sleep(for: .milliseconds(5)) }
        apps[1].shutDownApplication()
        for app in running { try await app.value }
        #expect(apps.allSatisfy { $0.state == .stopped })
        try expectReference(run, engineCase)
    }

    /// Without a group there is nobody else to end.
    @Test func anAppAloneEndsToo() async throws {
        let engineCase = EngineCase.all[1]
        let run = try run(engineCase, partitions: 3)
        try run.put(engineCase.inputs)
        let app = StreamsApp(run.topology, on: run.backend, configuration: run.configuration)
        let running = Task { try await app.run() }
        while try !isDone(run) { try await Task.sleep(for: .milliseconds(5)) }
        app.shutDownApplication()
        try await running.value
        try expectReference(run, engineCase)
    }

    /// An app that ends when its input is done does not take its own part of the tasks for all of them.
    @Test func allIsDoneWhenOthersHaveDoneTheirsToo() async throws {
        let engineCase = EngineCase.all[1]
        let run = try run(engineCase, partitions: 3)
        try run.put(engineCase.inputs)
        let group = FakeGroup(run.log, seed: 1, reassignments: 0)
        var backend = run.backend
        backend.transport = group
        func app() -> StreamsApp {
            let memory = MemoryByteStore()
            backend.openState = { _, _, _ in memory }
            return StreamsApp(run.topology, on: backend, configuration: run.configuration)
        }
        let other = app()
        other.pause()
        let others = Task { try await other.run() }
        for _ in 0..<2000 where group.members[1]?.held.active.isEmpty ?? true { try await Task.sleep(for: .milliseconds(5)) }
        let app = app()
        app.shutDownWhenIdle()
        let running = Task { try await app.run() }
        for _ in 0..<2000 where group.members[2] == nil { try await Task.sleep(for: .milliseconds(5)) }
        group.reassign(
            Dictionary(
                uniqueKeysWithValues: (0..<3).flatMap { partition in
                    (0..<3).map { (TaskID(subtopology: $0, partition: Partition(partition)), partition == 0 ? 2 : 1) }
                }))
        for _ in 0..<2000 where group.members[2]?.held.active.isEmpty ?? true { try await Task.sleep(for: .milliseconds(5)) }
        // Time enough to take its own part for the whole.
        try await Task.sleep(for: .milliseconds(100))
        other.resume()
        try await running.value
        #expect(try isDone(run))
        other.shutDown()
        try await others.value
    }

    /// Trouble with a group that never ends, and trouble that comes back after a while.
    @Test func patienceEnds() {
        let second: UInt64 = 1_000_000_000
        let unknown = MillraceError(.transport, "", isRetriable: true)
        var patience = RejoinPatience()
        #expect(patience.pause(after: MillraceError(.fenced, ""), now: 7) == 0)
        #expect(patience.pause(after: MillraceError(.fenced, ""), now: 8) == 40)
        patience.forget()
        var pauses: [Int64] = []
        var now: UInt64 = 0
        while let pause = patience.pause(after: unknown, now: now) {
            pauses.append(pause)
            now += UInt64(pause + 1) * second / 1000
        }
        #expect(pauses == pauses.sorted() && pauses[0] >= 10 && pauses.max() == 5000 && pauses.count < 80)
        #expect(now > 290 * second)
        #expect(patience.pause(after: unknown, now: now + 61 * second) == pauses[0])
        #expect(RejoinPatience.allows(unknown) && !RejoinPatience.allows(MillraceError(.transport, "")))
        #expect(!RejoinPatience.allows(MillraceError(.configuration, "", isRetriable: true)))
    }

    @Test(arguments: EngineCase.all)
    func threadsThatComeAndGo(_ engineCase: EngineCase) async throws {
        let run = try run(engineCase, partitions: 3)
        run.faults.delay = .milliseconds(1)
        try run.put(engineCase.inputs, batch: 2)
        let app = run.app
        app.shutDownWhenIdle()
        let running = Task { try await app.run() }
        var numbers = SeededNumbers(seed: 5)
        while app.state != .stopped {
            app.setThreads(1 + Int(numbers.next() % 4))
            try await Task.sleep(for: .milliseconds(4))
        }
        try await running.value
        try expectReference(run, engineCase)
    }

    @Test func aTaskBelongsToOneWorkerAtATime() {
        let task = TaskID(subtopology: 0, partition: 0)
        let freed = Counter()
        let claims = TaskClaims { freed.increase() }
        #expect(claims.claim(task, by: 0))
        #expect(claims.claim(task, by: 0))
        #expect(!claims.claim(task, by: 1))
        claims.release(task, by: 1)
        #expect(freed.value == 0)
        claims.release(task, by: 0)
        #expect(freed.value == 1)
        #expect(claims.claim(task, by: 1))
    }

    @Test func asFewTasksMoveAsAnEvenShareAllows() {
        let tasks = (0..<7).map { TaskID(subtopology: $0 / 4, partition: Partition($0 % 4)) }
        var shares: [Int: Set<TaskID>] = [:]
        for workers in [1, 2, 3, 7, 9, 2, 1] {
            let before = shares
            shares = LocalGroup.shares(of: tasks, over: Array(0..<workers), before: before)
            let sizes = shares.values.map(\.count)
            #expect(sizes.reduce(0, +) == 7 && (sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
            #expect(shares.values.reduce(into: Set()) { $0.formUnion($1) } == Set(tasks))
            for (worker, share) in shares {
                let kept = share.intersection(before[worker] ?? []).count
                #expect(kept == min(share.count, before[worker]?.count ?? 0), "a worker keeps what fits")
            }
        }
    }

    /// A standby follows what is committed, tells how far it is, and takes over.
    @Test func aStandbyFollowsAndTakesOver() async throws {
        let engineCase = EngineCase.all[1]
        let run = try run(engineCase, partitions: 1)
        let half = engineCase.inputs.count / 2
        try run.put(Array(engineCase.inputs[..<half]))
        let group = FakeGroup(run.log, seed: 1, reassignments: 0)
        var backend = run.backend
        backend.transport = group
        let memories = [MemoryByteStore(), MemoryByteStore()]
        let task = TaskID(subtopology: 0, partition: 0)
        func app(_ number: Int) -> StreamsApp {
            backend.openState = { _, _, _ in memories[number] }
            return StreamsApp(run.topology, on: backend, configuration: run.configuration)
        }
        func wait(_ what: String, until condition: () throws -> Bool) async throws {
            for _ in 0..<2000 where try !condition() { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try condition(), "\(what)")
        }
        let first = app(0)
        let running = Task { try await first.run() }
        try await wait("the first has the task") { group.members[1]?.held.active == [task] }
        let second = app(1)
        let following = Task { try await second.run() }
        try await wait("the second is there") { group.members.count == 2 }
        // Chance decides whether there is a standby.
        try await wait("the second keeps the task warm") {
            if group.members[2]?.wanted.standby.union(group.members[2]?.wanted.warmUp ?? []) != [task] { group.reassign([task: 1]) }
            guard let held = group.members[2]?.held else { return false }
            return held.standby.union(held.warmUp) == [task]
        }
        try await wait("all is done") { try isDone(run) }
        let changelog = TopicPartition("app-counts-changelog", 0)
        let end = try run.log.offsetRange(of: changelog).upperBound
        try await wait("the standby has all that is committed") {
            try StateDirectory(memories[1]).positions(in: run.topology.plan)[task] == end.value
        }
        first.shutDown()
        try await running.value
        try run.put(Array(engineCase.inputs[half...]))
        try await wait("the second does the rest") { try isDone(run) && group.members[2]?.held.active == [task] }
        second.shutDown()
        try await following.value
        try expectReference(run, engineCase)
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increase() { count.withLock { $0 += 1 } }
}
