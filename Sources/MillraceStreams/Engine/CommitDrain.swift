/// How a worker comes to a commit while asynchronous calls are at work.
///
/// A commit needs all calls of its tasks to be done: their records count as processed, and stores before them have changed. So when it is time, tasks that make calls get no more records
/// until the calls have drained, and then the commit comes. It is not due again before several times as long has passed as that took, so that waiting stays a part of the time.
struct CommitDrain {
    /// No pause that follows from a drain is longer, in nanoseconds.
    private static let longestPause: UInt64 = 5_000_000_000
    /// How many times as long as a drain is the time to the next.
    private static let pauseFactor: UInt64 = 3

    private var since: UInt64?
    /// How long after a commit to wait at least before the next, because of the calls. In nanoseconds.
    private(set) var pause: UInt64 = 0

    /// Whether tasks that make calls are to get no more records.
    var isOn: Bool { since != nil }

    /// A commit is due, but there are calls.
    mutating func begin(now: UInt64) {
        if since == nil { since = now }
    }

    /// A commit was made.
    mutating func end(now: UInt64) {
        pause = since.map { min(Self.longestPause, Self.pauseFactor &* (now &- $0)) } ?? 0
        since = nil
    }
}
