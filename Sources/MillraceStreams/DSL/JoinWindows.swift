import MillraceCore

/// How far apart in time two records of joined streams may be.
///
///     orders.join(payments, within: JoinWindows(difference: .seconds(300))) { order, payment in … }
///
/// A record on the left is joined with those on the right that are at most `before` earlier and at most `after` later, both included. Either may be negative, for a window
/// that lies wholly before or after the record.
///
/// Kafka: `JoinWindows`.
public struct JoinWindows: Sendable, Hashable {
    @usableFromInline let before: Int64
    @usableFromInline let after: Int64
    @usableFromInline let grace: Int64
    /// What is wrong with the sizes, if anything is.
    let fault: String?

    /// - Parameters:
    ///   - difference: The greatest distance in both directions, where `before` and `after` do not say otherwise.
    ///   - grace: How much later than its window a record may come and still be joined; no later when left out. Left and outer joins hold records without a partner back until
    ///     then.
    ///   - before: How much earlier the record on the right may be.
    ///   - after: How much later the record on the right may be.
    ///
    /// A window that ends before it starts, and a negative grace period, are errors of kind `configuration`, thrown when the topology is built.
    public init(difference: Duration, grace: Duration? = nil, before: Duration? = nil, after: Duration? = nil) {
        let difference = difference.milliseconds
        self.before = before?.milliseconds ?? difference
        self.after = after?.milliseconds ?? difference
        self.grace = grace?.milliseconds ?? 0
        // Kafka makes such a window in three steps, each of which must be a window.
        let steps = [(difference, difference), (self.before, difference), (self.before, self.after)]
        if let step = steps.first(where: { $0.0.addingClamped($0.1) < 0 }) {
            fault =
                "A join window from \(step.0) ms before a record to \(step.1) ms after it ends before it starts. Make the sum of both at least 0."
        } else if self.grace < 0 {
            fault = "A grace period cannot be negative (\(self.grace) ms)."
        } else {
            fault = nil
        }
    }

    /// How long a store must keep records for the other side: the window and the grace period.
    @usableFromInline var retention: Int64 { before.addingClamped(after).addingClamped(grace) }
}
