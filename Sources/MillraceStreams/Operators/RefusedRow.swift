import MillraceCore

// A closure that throws for a row of a table refuses the row, and where failed records are left out, the app goes on with it: the table that the closure makes has no such row.
// The updates behind have to say so, or an aggregation would keep the row's former value for good, and later take out a value that never came in.

extension NodeSite {
    /// What a closure makes of a value that is not the record's own: the one its row had before, or one that is looked up.
    ///
    /// A value that is refused here was refused, and counted, when it came. It made nothing then, which is what goes now, and the record at hand is not to blame.
    ///
    /// - Throws: The failure, where the policy is to stop.
    @inlinable
    func unlessRefused<Result>(_ body: () throws -> Result?) throws -> Result? {
        do { return try body() } catch {
            _ = try refusal(error)
            return nil
        }
    }

    /// The error for a new value that a closure refused, to be thrown once what the row had made before is taken back.
    ///
    /// - Throws: The failure at once, where the policy is to stop.
    @usableFromInline
    func refusal(_ error: any Error) throws -> any Error {
        let failure = failure(error)
        guard task.failures.policy(for: failure) != .stop else { throw failure }
        return failure
    }

    /// Whether rows that a closure refused may have gone before.
    @usableFromInline var skipsFailures: Bool { task.failures.processing != .stop }
}
