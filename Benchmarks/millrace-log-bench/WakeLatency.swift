import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceFormats
import MillraceLog
import MillraceSystem

/// The time from before a commit to the return of a `poll` that waited for it in another thread.
enum WakeLatency {
    static let command = CommandTree.Branch.command(
        "wake",
        CommandLineTable(
            name: "millrace-log-bench wake", summary: "Measures how long after a commit a waiting reader has the record.", operands: "DIR",
            options: [.init("times", value: "N", "Default: 5000.")]), run)

    @Sendable private static func run(_ arguments: ParsedArguments) throws {
        let count = try arguments.integer("times", in: 1...10_000_000) ?? 5000
        let log = try EmbeddedLog.open(at: try LogBench.directory(arguments), options: LogBench.options())
        try log.createTopic(TopicSpecification(LogBench.topic, partitions: 1))
        let session = try log.openSession(named: "reader", group: "bench")
        try session.assign([TopicPartition(LogBench.topic, 0): 0])
        let reader = Reader(session, count)
        Thread.detachNewThread { reader.run() }
        let clock = SystemClock()
        let appender = try log.openAppender(to: LogBench.topic, named: "writer", group: "bench")
        for _ in 0..<count {
            try appender.append(key: nil, value: "x", timestamp: Timestamp(milliseconds: Int64(clock.monotonicNanoseconds())))
            try appender.commit()
            usleep(500)
        }
        let sorted = reader.latenciesAtTheEnd().sorted()
        func at(_ part: Double) -> String { String(format: "%.0f", Double(sorted[Int(Double(sorted.count - 1) * part)]) / 1000) }
        print("wake times=\(count) p50_us=\(at(0.5)) p90_us=\(at(0.9)) p99_us=\(at(0.99)) p999_us=\(at(0.999)) highest_us=\(at(1))")
        try log.close()
    }
}

/// The thread that waits.
private final class Reader: @unchecked Sendable {
    private let session: any TransportSession
    private let count: Int
    private var latencies: [UInt64] = []
    private let ended = DispatchSemaphore(value: 0)

    init(_ session: any TransportSession, _ count: Int) {
        self.session = session
        self.count = count
    }

    func run() {
        defer { ended.signal() }
        let clock = SystemClock()
        let scratch = ByteBuffer()
        do {
            while latencies.count < count {
                let fetched = try session.poll(maxBytes: 1 << 20, timeout: .seconds(5))
                let now = clock.monotonicNanoseconds()
                guard !fetched.isEmpty else { return }
                for batches in fetched {
                    var cursor = RecordBatchCursor(batches.bytes)
                    while let batch = try cursor.next() {
                        var records = try batch.records(decompressingInto: scratch)
                        while let record = try records.next() { latencies.append(now &- UInt64(record.timestamp.milliseconds)) }
                    }
                }
            }
        } catch {
            print("wake failed: \(error)")
        }
    }

    func latenciesAtTheEnd() -> [UInt64] {
        ended.wait()
        return latencies.isEmpty ? [0] : latencies
    }
}
