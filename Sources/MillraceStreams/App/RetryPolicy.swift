import MillraceCore

/// Whether a call that failed is made again, how often and after how long: `retry: .exponential(attempts: 5, from: .milliseconds(100), upTo: .seconds(10))`.
///
/// Waiting blocks nothing but the records of the same key. There is no randomness in it, so that a run can be repeated.
public struct RetryPolicy: Sendable, Equatable {
    /// How often a call is made again after the first failure; with 0 that failure counts at once.
    public var attempts: Int
    /// How long to wait before the first repetition.
    public var backoff: Duration
    /// How many times longer each further wait is.
    public var factor: Int
    /// No wait is longer.
    public var longestBackoff: Duration

    /// The first failure counts.
    public static let never = RetryPolicy(attempts: 0, backoff: .zero, factor: 1, longestBackoff: .zero)

    /// Repeats after the same time again and again.
    public static func fixed(attempts: Int, every backoff: Duration) -> RetryPolicy {
        RetryPolicy(attempts: attempts, backoff: backoff, factor: 1, longestBackoff: backoff)
    }

    /// Repeats after times that double.
    public static func exponential(attempts: Int, from backoff: Duration, upTo longest: Duration = .seconds(60)) -> RetryPolicy {
        RetryPolicy(attempts: attempts, backoff: backoff, factor: 2, longestBackoff: longest)
    }

    /// How long to wait after so many failures, from 1, in milliseconds; `nil` when there is no further attempt.
    func delay(after failures: Int) -> Int64? {
        guard failures <= attempts else { return nil }
        let longest = max(0, longestBackoff.milliseconds)
        var delay = min(longest, max(0, backoff.milliseconds))
        for _ in 1..<max(1, failures) where delay < longest {
            let (next, overflow) = delay.multipliedReportingOverflow(by: Int64(max(1, factor)))
            if next == delay { break }
            delay = overflow ? longest : min(longest, next)
        }
        return delay
    }
}
