import BenchmarkScenarios
import Foundation
import Millrace
import MillraceCommandLine
import MillraceSystem

/// Whether memory stays where it is: a producer sends a fixed set of keys at a steady rate, an app counts them behind a repartition topic, and memory is looked at all along.
///
/// The topics keep little, in small segments, so that everything that happens to a log over weeks happens here in minutes: segments roll and are deleted, the journal is written
/// anew, the database flushes and compacts.
struct SoakRun {
    private let log: EmbeddedLog
    private let rate: Int
    private let seconds: Int
    private let configuration: StreamsConfiguration
    private let state: String
    private let output = "soak-out"
    private let clock = SystemClock()

    init(_ arguments: ParsedArguments, log: EmbeddedLog, configuration: StreamsConfiguration, state: String) throws {
        self.log = log
        self.configuration = configuration
        self.state = state
        rate = try arguments.integer("rate", in: 1...1_000_000) ?? 1000
        seconds = try arguments.integer("seconds", in: 10...1_000_000) ?? 1800
    }

    /// Runs, prints a line for each sample, and returns one with the outcome.
    ///
    /// - Throws: When memory grew, or not everything was processed.
    func run() async throws -> String {
        let limits = ["segment.bytes": "\(8 << 20)", "retention.bytes": "\(32 << 20)", "retention.ms": "-1"]
        for topic in [Scenario.soak.inputs[0], output] {
            if try log.describeTopic(topic) != nil { try log.deleteTopic(topic) }
            try log.createTopic(TopicSpecification(topic, partitions: 4, settings: limits))
        }
        var configuration = configuration
        configuration.internalTopicSettings = ["segment.bytes": "\(8 << 20)"]
        let app = StreamsApp(
            try Scenario.soak.topology(Scenario.soak.inputs, output), on: .embedded(log, statePath: state), configuration: configuration)
        let producer = try LatencyProducer(log, Scenario.soak.inputs[0], rate: rate, count: rate * seconds)
        let watch = Task.detached { [self] in
            while app.state == .created || app.state == .restoring { try? await Task.sleep(for: .milliseconds(1)) }
            let begin = clock.monotonicNanoseconds()
            let sending = producer.start(at: begin)
            var samples: [MemorySample] = []
            let step = max(1, seconds / 180)
            while samples.count * step < seconds {
                let due = begin + UInt64((samples.count + 1) * step) * 1_000_000_000
                let now = clock.monotonicNanoseconds()
                if due > now { try? await Task.sleep(for: .nanoseconds(Int64(due - now))) }
                let sample = MemorySample(of: app, seconds: (samples.count + 1) * step)
                samples.append(sample)
                print(sample.json)
                fflush(nil)
            }
            await sending.value
            app.shutDown()
            return samples
        }
        try await app.run()
        let samples = await watch.value
        if let error = producer.failure { throw error }
        return try outcome(samples, processed: app.processedRecords)
    }

    /// Compares the middle third with the last: by then everything that has a bound has reached it.
    private func outcome(_ samples: [MemorySample], processed: Int) throws -> String {
        func median(_ samples: ArraySlice<MemorySample>) -> Double {
            let sorted = samples.map(\.resident).sorted()
            return sorted.isEmpty ? 0 : Double(sorted[sorted.count / 2]) / 1_048_576
        }
        let third = samples.count / 3
        let (middle, last) = (median(samples[third..<2 * third]), median(samples[(2 * third)...]))
        // Each record is processed twice, before the repartition topic and behind it.
        let isComplete = processed == 2 * rate * seconds
        let grows = last - middle > max(4, middle / 20)
        let line = """
            {"scenario":"soak","rate":\(rate),"seconds":\(seconds),"processed":\(processed),"complete":\(isComplete),\
            "middle_rss_mb":\(String(format: "%.1f", middle)),"last_rss_mb":\(String(format: "%.1f", last)),"grows":\(grows)}
            """
        guard isComplete, !grows else { throw SoakFailure(line: line) }
        return line
    }
}

/// Memory grew during a soak, or records were lost.
struct SoakFailure: Error, CustomStringConvertible {
    let line: String
    var description: String { "memory grew, or not all records were processed: \(line)" }
}
