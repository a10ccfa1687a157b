/// How soon after a commit a busy worker makes the next one for the sake of those who ask.
///
/// Part of a commit grows with the work that it holds, and has to be done however often there are commits. The other part is the same for each, and that is what questions cost the records.
/// How large it is depends on the disk or the cluster: it is where the line through the last commits, of little work and of more, meets no work at all. It is given a fifth of the time.
struct QueryPace {
    private static let shortest = 2_000_000.0
    private static let longest = 100_000_000.0
    /// What is left of a commit's weight when the next one comes.
    private static let memory = 0.9

    /// In nanoseconds.
    private(set) var pause: UInt64 = 5_000_000
    /// Sums over the last commits: of weights, of work, of what commits took, and of the products of work with both.
    private var (weights, works, times, squares, products) = (0.0, 0.0, 0.0, 0.0, 0.0)

    /// Notes a commit that a question brought about.
    ///
    /// - Parameter work: How long after the one before it came.
    mutating func note(took duration: UInt64, after work: UInt64) {
        let work = Double(work)
        // One that the system held up says little.
        let time = weights == 0 ? Double(duration) : min(Double(duration), 2 * times / weights)
        weights = weights * Self.memory + 1
        works = works * Self.memory + work
        times = times * Self.memory + time
        squares = squares * Self.memory + work * work
        products = products * Self.memory + work * time
        let spread = squares * weights - works * works
        // Where all were alike nothing can be told apart, and the pause that follows makes them different. A commit does not take as long as the work that it holds.
        let slope = spread > squares * weights / 10 ? min(0.5, max(0, (products * weights - works * times) / spread)) : 0
        pause = UInt64(min(Self.longest, max(Self.shortest, 4 * (times - slope * works) / weights)))
    }
}
