import BenchmarkScenarios
import BenchmarkSupport
import Foundation
import Millrace
import MillraceCommandLine

/// What a record takes when so many keys are in the state already.
struct GrowthRun {
    private let log: EmbeddedLog
    private let keys: Int
    private let count: Int
    private let configuration: StreamsConfiguration
    private let state: String
    private let input = Scenario.growth.inputs[0]
    private let output = "growth-out"

    init(_ arguments: ParsedArguments, log: EmbeddedLog, configuration: StreamsConfiguration, state: String) throws {
        self.log = log
        self.configuration = configuration
        self.state = state
        keys = try arguments.integer("keys", in: 1...1_000_000_000) ?? 1_000_000
        count = try arguments.integer("count", in: 1...1_000_000_000) ?? 1_000_000
    }

    /// Counts each key once, and then measures a run over keys drawn at random, its start included. Returns a line of JSON.
    func run() async throws -> String {
        for topic in [input, output] { try log.makeAnew(topic) }
        // A step that has no divisor in common with the number of keys meets each of them once, all over the place.
        var step = 7_368_787 % keys
        while step < 1 || greatestCommonDivisor(step, keys) > 1 { step += 1 }
        try load(keys) { $0 * step % keys }
        let built = try await process()
        var draws = SplitMix64(seed: BenchmarkTopic.seed, stream: "growth")
        try load(count) { _ in draws.below(keys) }
        let measured = try await process()
        let peak = ProcessUsage.now().peakMegabytes
        let result = try OutputSummary(of: output, in: log, lastValuesOnly: false)
        guard result.records == keys + count else {
            throw MillraceError(.corruption, "\(result.records) counts came out, not \(keys + count).")
        }
        return """
            {"scenario":"growth","keys":\(keys),"count":\(count),"build_cpu_s":\(built.cpuSeconds),"cpu_s":\(measured.cpuSeconds),\
            "cpu_s_per_m":\(measured.cpuSeconds * 1e6 / Double(count)),"wall_s":\(measured.wallSeconds),\
            "peak_rss_mb":\(peak),"checksum":"\(String(result.checksum, radix: 16))"}
            """
    }

    private func process() async throws -> (cpuSeconds: Double, wallSeconds: Double) {
        let before = ProcessUsage.now()
        let start = Clock.milliseconds()
        let app = StreamsApp(
            try Scenario.growth.topology([input], output), on: .embedded(log, statePath: state), configuration: configuration)
        app.shutDownWhenIdle()
        try await app.run()
        return (ProcessUsage.now().since(before).cpuSeconds, Double(Clock.milliseconds() - start) / 1000)
    }

    /// - Parameter key: The number of the key of a record.
    private func load(_ count: Int, key: (Int) -> Int) throws {
        let appender = try log.openAppender(to: input, named: "millrace-bench-growth", group: "millrace-bench-load")
        defer { appender.close() }
        for number in 0..<count {
            try Array("key-\(1_000_000_000 + key(number))".utf8).withUnsafeBytes {
                try appender.append(key: $0, value: $0, timestamp: Timestamp(milliseconds: BenchmarkTopic.startTime + Int64(number / 100)))
            }
            if appender.byteCount > 1 << 20 { try appender.commit() }
        }
        try appender.commit()
    }

    private func greatestCommonDivisor(_ first: Int, _ second: Int) -> Int {
        second == 0 ? first : greatestCommonDivisor(second, first % second)
    }
}
