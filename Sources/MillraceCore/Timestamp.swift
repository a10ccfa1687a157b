/// A point in time as Kafka counts it: whole milliseconds since 1970-01-01T00:00:00Z.
///
/// The time of a record is the time of the *event* that it tells of, unless its topic or a timestamp extractor says otherwise.
/// `Timestamp.none` (-1) is Kafka's "no timestamp".
public struct Timestamp: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// Milliseconds since the epoch; negative only for `none` and for broken input.
    public var milliseconds: Int64

    /// A time in milliseconds since 1970 (UTC).
    @inlinable
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    @inlinable
    public init(integerLiteral value: Int64) {
        self.milliseconds = value
    }

    /// Kafka's "no timestamp", -1.
    @inlinable public static var none: Timestamp { Timestamp(milliseconds: -1) }

    @inlinable
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// This time plus `duration`, held at the ends of the range instead of overflowing.
    @inlinable
    public func advanced(byMilliseconds duration: Int64) -> Timestamp {
        let (sum, overflow) = milliseconds.addingReportingOverflow(duration)
        return Timestamp(milliseconds: overflow ? (duration < 0 ? .min : .max) : sum)
    }

    public var description: String { String(milliseconds) }
}

extension Duration {
    /// The duration in whole milliseconds, rounded towards zero and held at `Int64`'s ends.
    @inlinable public var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? .min : .max }
        return whole + attoseconds / 1_000_000_000_000_000
    }
}
