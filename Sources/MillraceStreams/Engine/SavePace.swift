/// When the rows of all stores go to the disk: less often than commits, since a row that changes all the time then goes there but once.
///
/// What a crash loses of them, some seconds, is read from the changelog again.
struct SavePace {
    /// In nanoseconds.
    private static let shortest: UInt64 = 5_000_000_000
    private static let longest: UInt64 = 30_000_000_000
    /// How many times as long as a save the time to the next is: a slow disk shall not take more of it.
    private static let factor: UInt64 = 20

    private var next: UInt64

    init(now: UInt64) {
        next = now &+ Self.shortest
    }

    func isDue(at now: UInt64) -> Bool { now >= next }

    /// A save was made.
    mutating func note(from start: UInt64, to end: UInt64) {
        next = end &+ min(Self.longest, max(Self.shortest, (end &- start) &* Self.factor))
    }
}
