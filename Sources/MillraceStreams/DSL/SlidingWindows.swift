import MillraceCore

/// Windows that records move: two records of a key are in one window if their times differ by at most the time difference. There is a window for each distinct set of records.
///
/// A window holds both its ends. It takes records until stream time passes its end plus the grace period; those that come later are dropped and counted as `late`. Records
/// without a value are dropped.
///
/// Kafka: `SlidingWindows`.
public struct SlidingWindows: Sendable, Hashable {
    @usableFromInline let difference: Int64
    @usableFromInline let grace: Int64

    /// - Parameters:
    ///   - difference: The greatest difference of times within a window; at least a millisecond, or the first record fails.
    ///   - grace: How much later records are still taken; no later when left out.
    public init(difference: Duration, grace: Duration? = nil) {
        self.difference = difference.milliseconds
        self.grace = grace?.milliseconds ?? 0
    }

    /// What is wrong with the times, if anything is.
    var fault: String? {
        if difference < 0 { return "The time difference of sliding windows cannot be negative (\(difference) ms)." }
        if grace < 0 { return "A grace period cannot be negative (\(grace) ms)." }
        return nil
    }

    /// How long a store must keep a window after its start: a late record may need windows of records up to twice the difference before it.
    var leastRetention: Int64 { difference.addingClamped(difference).addingClamped(grace) }
}
