import BenchmarkScenarios
import BenchmarkSupport
import Foundation
import Millrace
import MillraceCommandLine
import MillraceSystem

/// Latency from end to end on the embedded log: a producer sends at a steady rate, an app counts, a consumer takes the time. Each has its own threads, all are in one process,
/// as the log belongs to one.
///
/// The time runs from when a record was due, so that a producer that falls behind is not forgiven.
struct LatencyRun {
    private let log: EmbeddedLog
    private let rate: Int
    private let seconds: Int
    private let configuration: StreamsConfiguration
    private let state: String
    private let output = "latency-out"
    private let clock = SystemClock()
    /// What is left out at the start.
    private static let warmUpSeconds = 8

    init(_ arguments: ParsedArguments, log: EmbeddedLog, configuration: StreamsConfiguration, state: String) throws {
        self.log = log
        self.configuration = configuration
        self.state = state
        rate = try arguments.integer("rate", in: 1...1_000_000) ?? 1000
        seconds = try arguments.integer("seconds", in: 1...3600) ?? 20
    }

    /// Runs, and returns a line of JSON.
    func run() async throws -> String {
        for topic in [Scenario.latency.inputs[0], output] { try log.makeAnew(topic) }
        let app = StreamsApp(
            try Scenario.latency.topology(Scenario.latency.inputs, output), on: .embedded(log, statePath: state),
            configuration: configuration)
        let consumer = try LatencyConsumer(log, output)
        let producer = try LatencyProducer(log, Scenario.latency.inputs[0], rate: rate, count: rate * (seconds + LatencyRun.warmUpSeconds))
        let watch = Task.detached { [clock] in
            while app.state == .created || app.state == .restoring { try? await Task.sleep(for: .milliseconds(1)) }
            let begin = clock.monotonicNanoseconds() + 100_000_000
            let reading = consumer.start(from: Int64(begin) + Int64(LatencyRun.warmUpSeconds) * 1_000_000_000)
            let before = ProcessUsage.now()
            let sending = producer.start(at: begin)
            await sending.value
            let usage = ProcessUsage.now().since(before)
            try? await Task.sleep(for: .seconds(1))
            consumer.stop()
            await reading.value
            app.shutDown()
            return usage
        }
        try await app.run()
        let usage = await watch.value
        if let error = producer.failure ?? consumer.failure { throw error }
        return json(consumer.latencies.sorted(), usage)
    }

    private func json(_ sorted: [Int64], _ usage: ProcessUsage) -> String {
        func at(_ part: Double) -> String {
            guard let last = sorted.indices.last else { return "-1" }
            return String(format: "%.3f", Double(sorted[min(last, Int(Double(sorted.count) * part))]) / 1e6)
        }
        let percent = usage.cpuSeconds / Double(seconds + LatencyRun.warmUpSeconds) * 100
        return """
            {"scenario":"latency","rate":\(rate),"expected":\(rate * seconds),"seen":\(sorted.count),"p50_ms":\(at(0.5)),"p90_ms":\(at(0.9)),\
            "p99_ms":\(at(0.99)),"p99_9_ms":\(at(0.999)),"max_ms":\(at(1)),"cpu_pct":\(String(format: "%.1f", percent)),\
            "peak_rss_mb":\(usage.peakMegabytes)}
            """
    }
}
