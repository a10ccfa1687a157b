/// Something that is due every so often, as told by a clock that only grows.
struct Interval {
    private let length: UInt64
    private var last: UInt64

    /// - Parameter length: Zero or less is never.
    init(_ length: Duration?, from now: UInt64) {
        let milliseconds = length.map(\.milliseconds) ?? 0
        self.length = milliseconds > 0 ? UInt64(min(milliseconds, 1 << 40)) * 1_000_000 : .max
        last = now
    }

    /// Until it is due the next time.
    func timeLeft(_ now: UInt64) -> Duration {
        let passed = now &- last
        return length > passed ? .nanoseconds(Int64(clamping: length - passed)) : .zero
    }

    /// Whether it is due; the next time is counted from now then.
    mutating func isDue(_ now: UInt64) -> Bool {
        guard length < .max, now &- last >= length else { return false }
        last = now
        return true
    }
}
