import BenchmarkScenarios
import BenchmarkSupport
import Foundation
import Millrace
import MillraceSystem

/// Somebody who asks for single keys of a store while the app is busy, one question after the other at a steady rate, and takes the time of each.
final class QueryLoad: Sendable {
    private let rate: Int
    private let clock = SystemClock()

    /// - Parameter rate: Questions a second.
    init(rate: Int) {
        self.rate = rate
    }

    /// Asks until the app is at its end.
    ///
    /// - Returns: How long each answer took, in nanoseconds, the shortest first.
    func run(on app: StreamsApp) async throws -> [UInt64] {
        let counts = try app.store(.keyValue("store", key: String.self, value: Int64.self))
        var times: [UInt64] = []
        var words: [String] = []
        BenchmarkTopic.words.generate(10_000) { words.append(String(decoding: $0.key ?? [], as: UTF8.self)) }
        while app.state == .created || app.state == .restoring { try? await Task.sleep(for: .milliseconds(1)) }
        let begin = clock.monotonicNanoseconds()
        while app.state == .running {
            let due = begin + UInt64(times.count) * 1_000_000_000 / UInt64(rate)
            let now = clock.monotonicNanoseconds()
            if due > now { try? await Task.sleep(for: .nanoseconds(Int64(due - now))) }
            let start = clock.monotonicNanoseconds()
            do { _ = try await counts[words[times.count % words.count]] } catch  where app.state != .running { break }
            times.append(clock.monotonicNanoseconds() - start)
        }
        return times.sorted()
    }
}
