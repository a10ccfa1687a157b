import BenchmarkSupport
import Foundation
import Millrace
import MillraceSystem

/// Sends a record each time one is due, and commits at once what was due together.
final class LatencyProducer: @unchecked Sendable {
    private let appender: TopicAppender
    private let rate: Int
    private let count: Int
    private let clock = SystemClock()
    /// Why it ended early. To be read when `start`'s task is done.
    private(set) var failure: (any Error)?

    init(_ log: EmbeddedLog, _ topic: String, rate: Int, count: Int) throws {
        appender = try log.openAppender(to: topic, named: "millrace-bench-latency", group: "millrace-bench-latency")
        self.rate = rate
        self.count = count
    }

    /// Begins at a time of the monotonic clock.
    func start(at begin: UInt64) -> ThreadEnd {
        ThreadEnd { do { try self.send(from: begin) } catch { self.failure = error } }
    }

    private func send(from begin: UInt64) throws {
        var draws = SplitMix64(seed: BenchmarkTopic.seed, stream: "latency")
        var value = [UInt8](repeating: 0, count: 100)
        var number = 0
        while number < count {
            let now = clock.monotonicNanoseconds()
            var due = self.due(number, begin)
            if due > now { usleep(UInt32((due - now) / 1000 + 1)) }
            while due <= clock.monotonicNanoseconds(), number < count {
                withUnsafeBytes(of: due.bigEndian) { value.replaceSubrange(0..<8, with: $0) }
                let digits = String(draws.below(10_000))
                let key = Array(("k" + String(repeating: "0", count: 6 - digits.count) + digits).utf8)
                try key.withUnsafeBytes { key in
                    try value.withUnsafeBytes {
                        try appender.append(key: key, value: $0, timestamp: Timestamp(milliseconds: Int64(Clock.milliseconds())))
                    }
                }
                number += 1
                due = self.due(number, begin)
            }
            if appender.byteCount > 0 { try appender.commit() }
        }
    }

    private func due(_ number: Int, _ begin: UInt64) -> UInt64 {
        begin + UInt64(number) * 1_000_000_000 / UInt64(rate)
    }
}
