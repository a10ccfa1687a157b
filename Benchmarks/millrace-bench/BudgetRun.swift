import BenchmarkScenarios
import Foundation
import Millrace
import MillraceCommandLine

/// What memory an app takes that is given little, and work that would like much.
struct BudgetRun {
    private let log: EmbeddedLog
    private let work: BudgetCase
    private let count: Int
    private let configuration: StreamsConfiguration
    private let state: String

    init(_ arguments: ParsedArguments, log: EmbeddedLog, configuration: StreamsConfiguration, state: String) throws {
        guard let work = BudgetCase(rawValue: arguments["case"] ?? "") else {
            throw CommandLineError("--case takes one of \(BudgetCase.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        self.work = work
        self.log = log
        self.configuration = configuration
        self.state = state
        count = try arguments.integer("count", in: 1...1_000_000_000) ?? 1_000_000
    }

    /// Makes the input, runs, and returns a line of JSON.
    func run() async throws -> String {
        let output = "budget-\(work.rawValue)-out"
        let settings = ["max.message.bytes": "\(16 << 20)", "retention.ms": "-1"]
        for topic in work.inputs + [output] {
            if try log.describeTopic(topic) != nil { try log.deleteTopic(topic) }
            try log.createTopic(TopicSpecification(topic, partitions: 1, settings: settings))
        }
        try load()
        var configuration = configuration
        configuration.internalTopicSettings = ["max.message.bytes": "\(16 << 20)"]
        let before = ProcessUsage.now()
        let app = StreamsApp(try work.topology(output), on: .embedded(log, statePath: state), configuration: configuration)
        app.shutDownWhenIdle()
        try await app.run()
        let usage = ProcessUsage.now()
        let result = try OutputSummary(of: output, in: log, lastValuesOnly: true)
        return """
            {"scenario":"budget","case":"\(work.rawValue)","count":\(count),"budget_mb":\(configuration.memoryBudget >> 20),\
            "rss_before_mb":\(before.peakMegabytes),"peak_rss_mb":\(usage.peakMegabytes),"cpu_s":\(usage.since(before).cpuSeconds),\
            "out_keys":\(result.keys),"checksum":"\(String(result.checksum, radix: 16))"}
            """
    }

    private func load() throws {
        var appenders: [String: TopicAppender] = [:]
        for topic in work.inputs {
            appenders[topic] = try log.openAppender(to: topic, named: "millrace-bench-load-\(topic)", group: "millrace-bench-load")
        }
        try work.generate(count) { topic, key, value, time in
            guard let appender = appenders[topic] else { return }
            try Array(key.utf8).withUnsafeBytes { key in
                try Array(value.utf8).withUnsafeBytes { value in
                    try appender.append(key: key, value: value, timestamp: Timestamp(milliseconds: time))
                }
            }
            if appender.byteCount > 1 << 20 { try appender.commit() }
        }
        for appender in appenders.values {
            try appender.commit()
            appender.close()
        }
    }
}
