import MillraceCore

/// How long tasks wait for a topic that has no record to compare times with, while others have: `StreamsConfiguration.maximumTaskIdle`.
///
/// A wait begins when a task finds that it has read all of a topic, and is over for good, until the topic has records again: waiting anew for every record would slow a task
/// down to a record a wait.
struct TaskIdle {
    /// `nil` never waits.
    let limit: Duration?
    /// When the wait for a partition is over, in monotonic nanoseconds.
    private var deadlines: [TopicPartition: UInt64] = [:]

    /// - Parameter idleness: In milliseconds, after how long without a record time goes on: a topic is not waited for any longer than that.
    init(limit: Duration?, idleness: Int64? = nil) {
        self.limit = limit.map { min($0, .milliseconds(idleness ?? .max)) }
    }

    /// Records of a partition have come.
    mutating func hasRecords(_ partition: TopicPartition) {
        if !deadlines.isEmpty { deadlines[partition] = nil }
    }

    /// Whether a task may go on without a partition of which all that there is has been read.
    mutating func isOver(_ partition: TopicPartition, now: UInt64) -> Bool {
        guard let limit, limit > .zero else { return true }
        let deadline = deadlines[partition] ?? now &+ UInt64(min(limit.milliseconds, 1 << 40)) * 1_000_000
        deadlines[partition] = deadline
        return now >= deadline
    }

    /// Milliseconds until the next wait is over; `nil` when none is going on.
    func timeLeft(now: UInt64) -> Int64? {
        deadlines.values.filter { $0 > now }.min().map { Int64(($0 - now) / 1_000_000) + 1 }
    }
}
