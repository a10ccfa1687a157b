import MillraceCore

/// Holds the rows of a table of windows back until their windows have closed, so that each has one, final result.
///
///     counts.suppress(.untilWindowCloses())
///
/// Kafka: `Suppressed.untilWindowCloses`.
public struct WindowSuppression: Sendable {
    @usableFromInline let bounds: SuppressionBounds

    /// - Parameters:
    ///   - maximumRecords: How many rows may wait; more stop the app, since a row sent early would not be final. No bound when left out.
    ///   - maximumBytes: The same in bytes.
    public static func untilWindowCloses(maximumRecords: Int? = nil, maximumBytes: Int? = nil) -> WindowSuppression {
        WindowSuppression(bounds: SuppressionBounds(maximumRecords: maximumRecords, maximumBytes: maximumBytes, whenFull: .shutDown))
    }
}

/// Holds the changes of a table back for a time, so that several changes of a row become one.
///
///     accounts.suppress(.untilTimeLimit(.seconds(10), maximumRecords: 10_000))
///
/// Kafka: `Suppressed.untilTimeLimit`.
public struct TimeLimitSuppression: Sendable {
    @usableFromInline let limit: Duration
    @usableFromInline let bounds: SuppressionBounds

    /// - Parameters:
    ///   - limit: How long, in stream time, a row waits after its first change.
    ///   - maximumRecords: How many rows may wait; no bound when left out.
    ///   - maximumBytes: The same in bytes.
    ///   - whenFull: What happens when a bound is passed.
    public static func untilTimeLimit(
        _ limit: Duration, maximumRecords: Int? = nil, maximumBytes: Int? = nil, whenFull: SuppressionOverflow = .emitEarly
    ) -> TimeLimitSuppression {
        TimeLimitSuppression(
            limit: limit, bounds: SuppressionBounds(maximumRecords: maximumRecords, maximumBytes: maximumBytes, whenFull: whenFull))
    }
}

/// What happens when more waits in a suppression than it may hold. Kafka: `BufferFullStrategy`.
public enum SuppressionOverflow: Hashable, Sendable {
    /// The rows that have waited longest are sent before their time.
    case emitEarly
    /// The app stops with an error.
    case shutDown
}

/// How much a suppression may hold.
@usableFromInline
struct SuppressionBounds: Sendable {
    @usableFromInline let maximumRecords: Int?
    @usableFromInline let maximumBytes: Int?
    @usableFromInline let whenFull: SuppressionOverflow

    /// What is wrong with the bounds, if anything is.
    @usableFromInline var fault: String? {
        if let maximumRecords, maximumRecords < 0 { return "A suppression cannot hold \(maximumRecords) records. Allow 0 or more." }
        if let maximumBytes, maximumBytes < 0 { return "A suppression cannot hold \(maximumBytes) bytes. Allow 0 or more." }
        return nil
    }
}
