import MillraceCore

/// Windows of one size that follow each other at a fixed interval, from time 0 on: without gap or overlap (tumbling), or overlapping (hopping).
///
/// A window holds the times from its start to its end, the end left out. It takes records until stream time reaches its end plus the grace period; those that come later are
/// dropped and counted as `late`.
///
/// Kafka: `TimeWindows`.
public struct TimeWindows: Sendable, Hashable {
    let size: Int64
    let advance: Int64
    let grace: Int64

    /// Windows that follow each other without gap or overlap: each record is in one.
    ///
    ///     clicks.groupByKey().windowedBy(.tumbling(size: .seconds(60)))
    ///
    /// - Parameter grace: How much later records are still taken; no later when left out.
    public static func tumbling(size: Duration, grace: Duration? = nil) -> TimeWindows {
        hopping(size: size, advance: size, grace: grace)
    }

    /// Windows that start every `advance`, so that each record is in several.
    ///
    /// - Parameters:
    ///   - advance: The distance between the starts of windows, at most `size`.
    ///   - grace: How much later records are still taken; no later when left out.
    public static func hopping(size: Duration, advance: Duration, grace: Duration? = nil) -> TimeWindows {
        TimeWindows(size: size.milliseconds, advance: advance.milliseconds, grace: grace?.milliseconds ?? 0)
    }

    /// What is wrong with the sizes, if anything is.
    var fault: String? {
        if size <= 0 { return "The size of a window must be at least a millisecond, not \(size) ms." }
        if advance <= 0 || advance > size {
            return "Windows of \(size) ms can advance by 1 to \(size) ms, not by \(advance)."
        }
        if grace < 0 { return "A grace period cannot be negative (\(grace) ms)." }
        return nil
    }

    var grid: WindowGrid { WindowGrid(size: size, advance: advance, grace: grace) }
}

/// A single window for each key, from a time on and without end. Kafka: `UnlimitedWindows`.
public struct UnlimitedWindows: Sendable, Hashable {
    let start: Int64

    /// - Parameter start: Records before it are left out.
    public init(startingAt start: Timestamp = 0) {
        self.start = start.milliseconds
    }

    var fault: String? {
        start < 0 ? "Unlimited windows cannot start at a negative time (\(start) ms)." : nil
    }

    var grid: WindowGrid { WindowGrid(size: .max, advance: .max, grace: 0, origin: start) }
}

/// Which windows a time is in.
@usableFromInline
struct WindowGrid: Sendable {
    @usableFromInline let size: Int64
    @usableFromInline let advance: Int64
    @usableFromInline let grace: Int64
    /// Nothing is before this; the first window starts here.
    var origin: Int64 = 0

    /// The start of the first window that `time` is in; later than `time` when it is in none.
    @usableFromInline
    func firstStart(containing time: Int64) -> Int64 {
        guard time >= origin else { return origin }
        return origin + max(0, time - origin - size + advance) / advance * advance
    }

    /// The start of the last window that `time` is in.
    @usableFromInline
    func lastStart(containing time: Int64) -> Int64 { origin + (time - origin) / advance * advance }

    /// The end of the window that starts at `start`; never, for unlimited ones.
    @usableFromInline
    func end(from start: Int64) -> Int64 { start.addingClamped(size) }

    /// The start of the next window, `nil` when time has none left.
    @usableFromInline
    func start(after start: Int64) -> Int64? {
        let (next, overflow) = start.addingReportingOverflow(advance)
        return overflow ? nil : next
    }

    /// How long a store must keep a window after its start.
    @usableFromInline var leastRetention: Int64 { size.addingClamped(grace) }
}
