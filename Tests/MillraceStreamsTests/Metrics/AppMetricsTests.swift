import Foundation
import Millrace
import MillraceTestKit
import Synchronization
import Testing

/// What an app tells of itself, compared with what it was given to do.
@Suite struct AppMetricsTests {
    private func run(_ topics: [String: Int32], _ describe: (StreamsBuilder) -> Void) throws -> EngineRun {
        let builder = StreamsBuilder()
        describe(builder)
        return try EngineRun(try builder.build(), topics: topics)
    }

    private static func count(_ builder: StreamsBuilder) {
        (builder.stream("in") as KStream<String?, String>).groupBy { $1 }.count(in: "store").toStream().to("out")
    }

    private static let words = (0..<200).map { Input(topic: "in", key: nil, value: "w\($0 % 7)", time: 1000 + Int64($0 ^ 3)) }

    @Test func recordsAreCountedByTaskAndTopic() async throws {
        let run = try run(["in": 2, "out": 2], Self.count)
        run.useSmallCommits()
        try run.put(Self.words)
        let metrics = try await run.runUntilIdle().metrics
        func sum(_ values: (TaskMetrics) -> Int?) -> Int { metrics.tasks.reduce(0) { $0 + (values($1) ?? 0) } }
        #expect(metrics.tasks.map(\.id.description) == ["0_0", "0_1", "1_0", "1_1"])
        #expect(sum { $0.read["in"]?.records } == 200 && sum { $0.read["app-store-repartition"]?.records } == 200)
        #expect(sum { $0.written["app-store-repartition"] } == 200 && sum { $0.written["out"] } == 200)
        #expect(sum { $0.written["app-store-changelog"] } == (try run.records(of: "app-store-changelog").count))
        #expect(metrics.tasks.allSatisfy { $0.written["app-store-changelog"] == nil || $0.id.subtopology == 1 })
        #expect(sum { $0.read["in"]?.bytes } > 200)
        #expect(metrics.processedRecords == 400 && sum { $0.latency.records } == 400 && sum { $0.lateness.count } == 400)
        #expect(sum { $0.lateness.counts.dropFirst().reduce(0, +) } > 0, "every fourth record is late by some milliseconds")
        #expect(metrics.droppedRecords.isEmpty && metrics.lag == 0)
        #expect(metrics.state == .stopped && metrics.workers.map(\.isAlive) == [false] && metrics.restarts == 0)
        #expect(metrics.workers[0].commits.count > 1 && metrics.workers[0].polls.count > 1)
        #expect(metrics.tasks.allSatisfy { $0.processingTime > .zero })
        // The records are of 1970.
        #expect(metrics.tasks.allSatisfy { ($0.latency.average ?? .zero) > .seconds(86400) })
    }

    @Test func severalTopicsAndThreads() async throws {
        let run = try run(["l": 3, "r": 3, "out": 3]) { builder in
            let left: KStream<String, String> = builder.stream("l")
            left.join(builder.stream("r") as KStream<String, String>, within: JoinWindows(difference: .milliseconds(5), grace: .zero)) {
                $0 + $1
            }.to("out")
        }
        run.configuration.threads = 3
        let inputs = (0..<90).map { Input(topic: $0 % 3 == 0 ? "l" : "r", key: "k\($0 % 5)", value: "\($0)", time: Int64($0)) }
        try run.put(inputs)
        let metrics = try await run.runUntilIdle().metrics
        #expect(metrics.tasks.reduce(0) { $0 + ($1.read["l"]?.records ?? 0) } == 30)
        #expect(metrics.tasks.reduce(0) { $0 + ($1.read["r"]?.records ?? 0) } == 60)
        #expect(metrics.workers.map(\.number) == [0, 1, 2])
        #expect(metrics.processedRecords == 90)
        let written = metrics.tasks.reduce(into: [:]) { $0.merge($1.written, uniquingKeysWith: +) }
        #expect(written["out"] == (try run.records(of: "out").count))
    }

    /// What an app lost with a failure and did again counts once.
    @Test func onlyWhatWasCommittedCounts() async throws {
        let run = try run(["in": 1, "out": 1], Self.count)
        run.useSmallCommits()
        run.configuration.failures.restarts = RestartPolicy(attempts: 5, backoff: .zero)
        try run.put(Self.words)
        let faults = run.faults
        faults.fail(at: 3, after: false)
        // Told when the app comes back after its failure, and at its start, when nothing was committed yet.
        run.configuration.onStateChange = { state in
            if state == .restoring, faults.commits > 0 { faults.fail(at: nil, after: false) }
        }
        let metrics = try await run.runUntilIdle().metrics
        #expect(metrics.restarts >= 1)
        #expect(metrics.tasks.reduce(0) { $0 + ($1.read["in"]?.records ?? 0) } == 200)
        #expect(metrics.tasks.reduce(0) { $0 + ($1.written["out"] ?? 0) } == 200)
    }

    @Test func droppedAndDeadLetteredRecords() async throws {
        let run = try run(["in": 1, "out": 1, "dead": 1]) { builder in
            (builder.stream("in") as KStream<String?, String>).mapValues { value in
                if value == "w3" { throw MillraceError(.processing, "unlucky") }
                return value
            }.groupByKey().count(in: "store").toStream().to("out")
        }
        run.configuration.failures = FailurePolicies(
            processing: .deadLetter(topic: "dead"), deadLettersOfDropped: [.nullKey: "dead"])
        try run.put(Self.words.map { Input(topic: "in", key: $0.value == "w1" ? nil : "k", value: $0.value, time: $0.time) })
        let metrics = try await run.runUntilIdle().metrics
        let bad = Self.words.count { $0.value == "w3" }
        let keyless = Self.words.count { $0.value == "w1" }
        #expect(metrics.droppedRecords == [.processing: bad, .nullKey: keyless])
        #expect(metrics.tasks.first?.deadLettered == ["dead": bad + keyless])
        #expect(metrics.tasks.first?.read["in"]?.records == 200)
    }

    @Test func lagWhileNothingIsProcessed() async throws {
        let run = try run(["in": 1, "out": 1], Self.count)
        let app = run.app
        #expect(app.metrics.state == .created && app.metrics.tasks.isEmpty && app.metrics.inputs.isEmpty)
        let task = Task { try await app.run() }
        for _ in 0..<2000 where app.state != .running { try await Task.sleep(for: .milliseconds(5)) }
        app.pause()
        try run.put(Self.words)
        #expect(app.metrics.lag == 200, "the ends are asked for, not those that were fetched last")
        #expect(app.metrics.workers.map(\.isAlive) == [true] && app.metrics.threads == 1)
        #expect(app.metrics.inputs.map(\.partition.topic) == ["app-store-repartition", "in"])
        app.resume()
        for _ in 0..<2000 where app.processedRecords < 400 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(app.metrics.lag == 0)
        app.shutDown()
        try await task.value
    }

    @Test func storesMemoryAndRestoring() async throws {
        let run = try run(["in": 1, "out": 1], Self.count)
        try run.put(Self.words)
        try await run.runUntilIdle()
        try FileManager.default.removeItem(atPath: run.statePath)
        let app = run.app
        let task = Task { try await app.run() }
        for _ in 0..<2000 where app.state != .running { try await Task.sleep(for: .milliseconds(5)) }
        try run.put(Self.words)
        for _ in 0..<2000 where app.processedRecords < 400 { try await Task.sleep(for: .milliseconds(5)) }
        let metrics = app.metrics
        let store = try #require(metrics.stores.first)
        #expect(store.store == "store" && store.task.description == "1_0" && store.memoryBytes > 0 && store.rows != nil)
        let restore = try #require(metrics.restores.first)
        #expect(restore.store == "store" && restore.isComplete && restore.total > 0)
        #expect(metrics.recordsToRestore == 0)
        #expect(metrics.memory.budget == 256 << 20 && metrics.memory.storeBytes > 0 && metrics.memory.usedBytes < 256 << 20)
        #expect(metrics.memory.database.cacheBytes + metrics.memory.database.writeBufferBytes > 0)
        #expect(metrics.memory.processBytes ?? 0 > 1 << 20)
        app.shutDown()
        try await task.value
        #expect(app.metrics.memory.database == ByteStoreUsage(), "the database is closed")
    }

    @Test func punctuationsAreCounted() async throws {
        let run = try run(["in": 1, "out": 1]) { builder in
            (builder.stream("in") as KStream<String?, String>).process { try Ticking($0) }.to("out")
        }
        try run.put((0..<50).map { Input(topic: "in", key: "k", value: "v", time: Int64($0) * 10) })
        let metrics = try await run.runUntilIdle().metrics
        #expect(metrics.tasks.first?.streamTimePunctuations == 5)
    }

    @Test func timesOfRecordsThatAreNoTimesDoNoHarm() async throws {
        let run = try run(["in": 1, "out": 1]) { ($0.stream("in") as KStream<String?, String>).to("out") }
        try run.put([0, Int64.max, 5, Int64.max, 1].map { Input(topic: "in", key: "k", value: "v", time: $0) })
        let metrics = try await run.runUntilIdle().metrics
        let task = try #require(metrics.tasks.first)
        #expect(task.latency.records == 5 && task.lateness.count == 5 && task.lateness.counts[63] == 2)
        let now = Double(SystemClock().now().milliseconds)
        #expect(task.latency.milliseconds > 2.9 * now && task.latency.milliseconds < 3.1 * now, "the future counts as now")
    }
}

/// Does nothing, every 100 milliseconds of stream time.
private final class Ticking: Processor {
    private let context: ProcessorContext<String?, String>

    init(_ context: ProcessorContext<String?, String>) throws {
        self.context = context
        try context.schedule(every: .milliseconds(100), by: .stream) { _ in }
    }

    func process(_ record: Record<String?, String>) throws { try context.forward(record) }
}

/// The page that explains the metrics, compared with those there are.
@Suite struct MetricsPageTests {
    @Test func listsEveryMetricWithItsKindAndLabels() async throws {
        let builder = StreamsBuilder()
        let stream: KStream<String?, String> = builder.stream("in")
        stream.process { try Ticking($0) }.groupByKey().count(in: "store").toStream().to("out")
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "out": 1, "dead": 1])
        run.configuration.failures.deadLettersOfDropped = [.nullKey: "dead"]
        try run.put([("k", 1), (nil, 2), ("k", 500), ("k", 3)].map { Input(topic: "in", key: $0.0, value: "v", time: $0.1) })
        try await run.runUntilIdle()
        try FileManager.default.removeItem(atPath: run.statePath)
        let families = try await run.runUntilIdle().metrics.families
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("docs/metrics.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `millrace.") }
        #expect(rows.count == families.count)
        for family in families {
            guard let row = rows.first(where: { $0.hasPrefix("| `\(family.name)` | \(family.kind.rawValue) |") }) else {
                Issue.record("docs/metrics.md has no row for the \(family.kind.rawValue) \(family.name)")
                continue
            }
            let cells = row.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            for sample in family.samples {
                #expect(sample.labels.map(\.name) == ["application"] + cells[3].split(separator: ", ").map(String.init), "\(family.name)")
            }
        }
        for reason in DropReason.allCases { #expect(page.contains("`\(reason.rawValue)`")) }
    }
}
