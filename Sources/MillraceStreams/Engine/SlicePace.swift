/// How many records a task processes before the others have their turn, and before it is looked whether to commit or to answer.
///
/// Records that take long, as where a closure calls another system, must not hold up a commit or a question for thousands of them.
struct SlicePace {
    private static let most = 4096
    private static let fewest = 16
    /// What a slice may take, or those of several tasks together, and what one of many may in any case, in nanoseconds.
    private static let (target, share): (UInt64, UInt64) = (4_000_000, 250_000)

    private(set) var limit = most

    /// Notes how long some records took.
    ///
    /// - Parameter tasks: How many tasks share the time, because somebody waits for the end of the round.
    mutating func note(_ records: Int, took duration: UInt64, among tasks: Int = 1) {
        // A few records say little.
        guard records * 4 >= limit else { return }
        let fitting = UInt64(records) * max(Self.share, Self.target / UInt64(max(1, tasks))) / max(1, duration)
        // A single slow slice, as when the system was busy elsewhere, changes little.
        limit = min(Self.most, max(Self.fewest, limit / 2, Int(min(fitting, UInt64(limit) * 2))))
    }
}
