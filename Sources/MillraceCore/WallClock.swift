/// Where the time of day comes from. Everything below the shell is given the time as an argument; only the shell asks a clock.
public protocol WallClock: Sendable {
    /// Now, in milliseconds since the epoch. May jump, also backwards.
    func now() -> Timestamp
    /// A time that only grows, in nanoseconds from an arbitrary start: for intervals and time-outs.
    func monotonicNanoseconds() -> UInt64
}
