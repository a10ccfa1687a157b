import BenchmarkScenarios
import BenchmarkSupport
import Foundation
import Millrace
import MillraceCommandLine
import MillraceKafka
import Synchronization

/// One run of a scenario over what the input topics hold, measured.
final class ScenarioRun: Sendable {
    private let scenario: Scenario
    private let backend: StreamsBackend
    /// `nil` on a cluster.
    private let log: EmbeddedLog?
    private let inputs: [String]
    private let output: String
    private let configuration: StreamsConfiguration
    private let state: String
    private let stateIsTemporary: Bool
    private let end: End
    private let restored = RestoredRecords()
    private let arguments: ParsedArguments

    /// When a run ends.
    private enum End: String, CaseIterable { case end, running, signal }

    /// A run on the embedded log that `--log` names, or on the cluster of `--bootstrap`.
    init(_ arguments: ParsedArguments) throws {
        guard let name = arguments["scenario"], let scenario = Scenario(rawValue: name) else {
            throw CommandLineError("--scenario takes one of \(Scenario.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        guard let end = End(rawValue: arguments["until"] ?? "end") else {
            throw CommandLineError("--until takes one of \(End.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        self.end = end
        self.arguments = arguments
        self.scenario = scenario
        inputs = arguments["in"]?.split(separator: ",").map(String.init) ?? scenario.inputs
        output = arguments["out"] ?? "\(name)-out"
        var configuration = StreamsConfiguration(applicationID: arguments["group"] ?? "bench-\(Clock.milliseconds())")
        configuration.threads = try arguments.integer("threads", in: 1...64) ?? 1
        switch arguments["guarantee"] ?? "exactly_once_v2" {
        case "exactly_once_v2": configuration.guarantee = .exactlyOnce
        case "at_least_once":
            configuration.guarantee = .atLeastOnce
            configuration.commitInterval = .seconds(30)
        case let other: throw CommandLineError("--guarantee takes at_least_once or exactly_once_v2, not \"\(other)\".")
        }
        if let interval = try arguments.integer("commit", in: 0...86_400_000) { configuration.commitInterval = .milliseconds(interval) }
        if let megabytes = try arguments.integer("memory", in: 1...1_000_000) { configuration.memoryBudget = megabytes << 20 }
        configuration.onRestore = { [restored] progress in
            restored.note(progress)
        }
        self.configuration = configuration
        stateIsTemporary = arguments["state"] == nil
        state = arguments["state"] ?? NSTemporaryDirectory() + "millrace-bench-\(ProcessInfo.processInfo.processIdentifier)"
        if let servers = arguments["bootstrap"] {
            log = nil
            backend = try .kafka(bootstrapServers: servers, state: state)
        } else if let path = arguments["log"] {
            let log = try EmbeddedLog.open(at: path)
            self.log = log
            backend = .embedded(log, statePath: state)
        } else {
            throw CommandLineError("--log is missing, the directory of an embedded log, or --bootstrap, a Kafka cluster.")
        }
    }

    /// Runs, and returns the line of JSON to print.
    func run() async throws -> String {
        // On a cluster the harness sends and reads, in a process of its own.
        guard let log else { return try await runThrough().json }
        defer { if stateIsTemporary { try? FileManager.default.removeItem(atPath: state) } }
        let line: String
        switch scenario {
        case .latency: line = try await LatencyRun(arguments, log: log, configuration: configuration, state: state).run()
        case .soak: line = try await SoakRun(arguments, log: log, configuration: configuration, state: state).run()
        case .growth: line = try await GrowthRun(arguments, log: log, configuration: configuration, state: state).run()
        case .budget: line = try await BudgetRun(arguments, log: log, configuration: configuration, state: state).run()
        default: return try await runThrough().json
        }
        try log.close()
        return line
    }

    private func runThrough() async throws -> RunReport {
        if scenario != .restore { try log?.makeAnew(output) }
        var report = RunReport(scenario: scenario)
        for topic in inputs { report.records += try backend.transport.recordCount(of: topic) }
        // The app counts records only as it commits them, so the moment at which it is ready stands for that of its first record.
        let ready = FirstTime()
        var configuration = configuration
        configuration.onStateChange = { state in if state == .running { ready.note() } }
        let app = StreamsApp(try scenario.topology(inputs, output), on: backend, configuration: configuration)
        ready.onNote { [end] time in
            switch end {
            case .end: break
            case .running: app.shutDown()
            case .signal:
                print("{\"running_ms\":\(time)}")
                fflush(nil)
            }
        }
        if end == .end { app.shutDownWhenIdle() }
        let usage = ProcessUsage.now()
        report.startTime = Clock.milliseconds()
        if end == .signal { try await app.runUntilSignalled() } else { try await app.run() }
        report.firstTime = ready.time ?? Clock.milliseconds()
        report.runningTime = report.firstTime
        report.restored = restored.count
        report.doneTime = Clock.milliseconds()
        report.closedTime = report.doneTime
        report.usage = ProcessUsage.now().since(usage)
        report.processed = app.processedRecords
        // On a cluster the harness reads the output, for all peers in the same way.
        if let log, scenario != .restore {
            report.output = try OutputSummary(of: output, in: log, lastValuesOnly: scenario.countsLastValues)
        }
        try tidyUp()
        return report
    }

    private func tidyUp() throws {
        if let log {
            // What restore leaves is what its next step begins with.
            let keepsTopics = scenario == .restore && !stateIsTemporary
            for topic in try log.listTopics() where !keepsTopics && topic.hasPrefix(configuration.applicationID + "-") {
                try log.deleteTopic(topic)
            }
            try log.close()
        }
        if stateIsTemporary, FileManager.default.fileExists(atPath: state) { try FileManager.default.removeItem(atPath: state) }
    }
}

/// When something happened first, in milliseconds since 1970.
private final class FirstTime: Sendable {
    private struct State {
        var time: Int?
        var action: (@Sendable (Int) -> Void)?
    }

    private let state = Mutex(State())

    var time: Int? { state.withLock { $0.time } }

    /// Says what is to be done when it happens.
    func onNote(_ action: @escaping @Sendable (Int) -> Void) { state.withLock { $0.action = action } }

    func note() {
        let time = Clock.milliseconds()
        let action = state.withLock { state -> (@Sendable (Int) -> Void)? in
            guard state.time == nil else { return nil }
            state.time = time
            return state.action
        }
        action?(time)
    }
}

/// How many records were taken from changelogs.
private final class RestoredRecords: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func note(_ progress: RestoreProgress) {
        counts.withLock { $0["\(progress.task)/\(progress.store)"] = Int(progress.restored) }
    }

    var count: Int { counts.withLock { $0.values.reduce(0, +) } }
}

extension Transport {
    func recordCount(of topic: String) throws -> Int {
        guard let description = try describeTopic(topic) else {
            throw MillraceError(.transport, "There is no topic \(topic). Load it first: millrace-bench load \(topic) N --log DIR")
        }
        return try (0..<description.partitions).reduce(0) { sum, partition in
            let range = try offsetRange(of: TopicPartition(topic, partition))
            return sum + Int(range.upperBound.value - range.lowerBound.value)
        }
    }
}
