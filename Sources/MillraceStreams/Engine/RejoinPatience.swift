import MillraceCore

/// How long a worker waits before it joins its group again, and when it gives up: a group or a cluster in trouble is not to be kept busy, and somebody must hear of it in the end.
struct RejoinPatience {
    /// Trouble that lasts for longer ends the app. Kafka Streams: `task.timeout.ms`.
    private static let limit: UInt64 = 300_000_000_000
    /// After so long without trouble the next is another one, though nothing was committed meanwhile.
    private static let calm: UInt64 = 60_000_000_000

    private var attempts = 0
    private var began: UInt64 = 0
    private var last: UInt64 = 0

    /// Takes trouble at `now`, in nanoseconds of a clock that only grows.
    ///
    /// - Returns: Milliseconds to wait before the next attempt; `nil` when it has lasted for too long.
    mutating func pause(after error: MillraceError, now: UInt64) -> Int64? {
        if attempts == 0 || now &- last > Self.calm { (attempts, began) = (0, now) }
        last = now
        attempts += 1
        guard now &- began < Self.limit else { return nil }
        // Being put out by the group once is nothing unusual.
        if error.kind == .fenced, attempts == 1 { return 0 }
        return min(error.kind == .fenced ? 1000 : 5000, 10 << Int64(min(attempts, 10)))
    }

    /// Something was committed: whatever comes is new trouble.
    mutating func forget() { attempts = 0 }

    /// Whether a worker may go on after an error, from its last commit: it was put out, or did not get an answer.
    static func allows(_ error: MillraceError) -> Bool {
        error.kind == .fenced || (error.kind == .transport && error.isRetriable)
    }
}
