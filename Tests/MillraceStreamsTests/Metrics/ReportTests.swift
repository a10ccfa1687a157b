import Millrace
import Synchronization
import Testing

@testable import MillraceStreams

@Suite struct ReportTests {
    private final class Seen: Sendable {
        let metrics = Mutex<[AppMetrics]>([])
    }

    @Test func anAppSaysNowAndThenHowItIs() async throws {
        let builder = StreamsBuilder()
        (builder.stream("in") as KStream<String, String>).to("out")
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "out": 1])
        run.configuration.reportInterval = .milliseconds(20)
        let seen = Seen()
        run.configuration.onMetrics = { metrics in seen.metrics.withLock { $0.append(metrics) } }
        try run.put((0..<20).map { Input(topic: "in", key: $0 % 4 == 0 ? nil : "a", value: "v", time: Int64($0)) })
        let app = run.app
        let task = Task { try await app.run() }
        for _ in 0..<2000 where !run.said.contains("lag=0") || app.processedRecords < 20 { try await Task.sleep(for: .milliseconds(5)) }
        app.shutDown()
        try await task.value
        let line = try #require(run.said.all.first { $0.contains("records/s") })
        #expect(line.hasPrefix("info The app is "))
        for key in ["records/s=", " lag=", " latency ms=", " commit ms=", " restoring=", " dropped=", " memory MB=0 of 256, process "] {
            #expect(line.contains(key), "\(line)")
        }
        let last = try #require(seen.metrics.withLock { $0.last })
        #expect(last.processedRecords == 20 && last.droppedRecords == [.nullKey: 5], "the last ones are told at the end")
    }

    @Test func reportsAreOfTheTimeBetween() {
        let said = EngineRun.Said()
        func metrics(records: Int, late: Int, latency: Double) -> AppMetrics {
            var task = TaskMetrics(id: TaskID(subtopology: 0, partition: 0))
            task.processed = records
            task.dropped = [.late: late, .nullKey: 3]
            task.latency = .init(records: records, milliseconds: latency)
            var worker = WorkerMetrics(number: 0)
            for _ in 0..<records { worker.commits.add(1500) }
            return AppMetrics(
                applicationID: "app", state: .running, restarts: 0, threads: 1, workers: [worker], tasks: [task], inputs: [], stores: [],
                restores: [],
                memory: MemoryMetrics())
        }
        let logger = MillraceLogger(level: .info) { _, message, values in
            said.add(message + ": " + values.map { "\($0.0) \($0.1)" }.joined(separator: ", "))
        }
        AppReport(from: nil, to: metrics(records: 0, late: 0, latency: 0), over: .seconds(1)).log(to: logger)
        AppReport(
            from: metrics(records: 100, late: 0, latency: 5000), to: metrics(records: 300, late: 7, latency: 5500), over: .seconds(10)
        ).log(to: logger)
        #expect(
            said.all == [
                "The app is running: records/s 0, lag 0, latency ms -, commit ms -, restoring 0, dropped 3 (3 nullKey), memory MB 0 of 0",
                "The app is running: records/s 20, lag 0, latency ms 2.5, commit ms 1.5, restoring 0, dropped 7 (7 late), memory MB 0 of 0",
            ])
    }

    @Test func intervals() {
        func due(_ interval: inout Interval, _ now: UInt64) -> Bool { interval.isDue(now) }
        var interval = Interval(.milliseconds(10), from: 1000)
        #expect(interval.timeLeft(1000) == .milliseconds(10))
        let early = due(&interval, 10_000_999)
        #expect(!early && interval.timeLeft(10_000_999) == .nanoseconds(1))
        let dueNow = due(&interval, 10_001_000)
        let dueAgain = due(&interval, 10_001_000)
        #expect(dueNow && !dueAgain)
        #expect(interval.timeLeft(30_000_000) == .zero)
        var never = Interval(nil, from: 0)
        let neverDue = due(&never, .max)
        #expect(!neverDue && never.timeLeft(1 << 62) > .zero)
        var long = Interval(.seconds(Int64.max / 1000), from: 0)
        let longDue = due(&long, 1 << 59)
        #expect(!longDue)
    }

    @Test func peaksAreForgotten() {
        var peak = RecentPeak()
        let second: UInt64 = 1_000_000_000
        peak.note(.seconds(5), now: 100 * second)
        peak.note(.seconds(2), now: 110 * second)
        #expect(peak.highest(now: 120 * second) == .seconds(5))
        peak.note(.seconds(3), now: 131 * second)
        #expect(peak.highest(now: 159 * second) == .seconds(5))
        #expect(peak.highest(now: 162 * second) == .seconds(3))
        #expect(peak.highest(now: 500 * second) == .zero)
    }
}
