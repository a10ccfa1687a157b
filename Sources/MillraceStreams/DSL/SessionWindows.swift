import MillraceCore

/// Windows that records make themselves: those of a key that follow each other with gaps of at most `gap` are one session.
///
/// A session begins and ends with a record, both included. It takes records until stream time passes its end plus the gap and the grace period; those that come later are
/// dropped and counted as `late`.
///
/// Kafka: `SessionWindows`.
public struct SessionWindows: Sendable, Hashable {
    @usableFromInline let gap: Int64
    @usableFromInline let grace: Int64

    /// - Parameters:
    ///   - gap: The longest time without a record within a session, itself included. With 0 only records of the same millisecond are one session.
    ///   - grace: How much later records are still taken; no later when left out.
    public init(gap: Duration, grace: Duration? = nil) {
        self.gap = gap.milliseconds
        self.grace = grace?.milliseconds ?? 0
    }

    /// What is wrong with the times, if anything is.
    @usableFromInline var fault: String? {
        if gap < 0 { return "The gap between sessions cannot be negative (\(gap) ms)." }
        if grace < 0 { return "A grace period cannot be negative (\(grace) ms)." }
        return nil
    }

    /// How long a store must keep a session after its end.
    @usableFromInline var leastRetention: Int64 { gap.addingClamped(grace) }
}
