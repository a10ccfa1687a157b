/// How soon after a commit a busy worker makes the next one for the sake of those who ask.
///
/// Little work makes a short commit, but part of a commit is the same however little there is, and that part is what questions cost the records. How large it is depends on the
/// disk or the cluster and cannot be told from commits that hold much work: so it is tried out. Commits that take more than a quarter of the time since the one before are made
/// less often, those that take less than an eighth more often.
struct QueryPace {
    private static let shortest: UInt64 = 2_000_000
    private static let longest: UInt64 = 100_000_000

    /// In nanoseconds.
    private(set) var pause: UInt64 = 5_000_000

    /// Notes a commit that a question brought about.
    ///
    /// - Parameter work: How long after the one before it came.
    mutating func note(took duration: UInt64, after work: UInt64) {
        if duration > work / 4 {
            pause = min(Self.longest, pause * 2)
        } else if duration < work / 8 {
            pause = max(Self.shortest, pause - pause / 4)
        }
    }
}
