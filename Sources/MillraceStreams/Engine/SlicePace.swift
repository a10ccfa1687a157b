/// How many records a task processes before the others have their turn, and before it is looked whether to commit or to answer.
///
/// Records that take long, as where a closure calls another system, must not hold up a commit or a question for thousands of them.
struct SlicePace {
    private static let most = 4096
    private static let fewest = 16
    /// What a slice may take, in nanoseconds.
    private static let target: UInt64 = 4_000_000

    private(set) var limit = most

    /// Notes how long some records took.
    mutating func note(_ records: Int, took duration: UInt64) {
        // A few records say little.
        guard records * 4 >= limit else { return }
        let fitting = UInt64(records) * Self.target / max(1, duration)
        // A single slow slice, as when the system was busy elsewhere, changes little.
        limit = min(Self.most, max(Self.fewest, limit / 2, Int(min(fitting, UInt64(limit) * 2))))
    }
}
