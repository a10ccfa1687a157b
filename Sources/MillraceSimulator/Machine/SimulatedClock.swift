import MillraceCore
import Synchronization

/// Time that passes only when the simulation says so, and a time of day that can be set.
final class SimulatedClock: WallClock {
    private struct State {
        var nanoseconds: UInt64 = 1_000_000_000
        var offset: Int64
    }

    private let state: Mutex<State>

    /// - Parameter start: The time of day, in milliseconds.
    init(start: Int64) {
        state = Mutex(State(offset: start))
    }

    func now() -> Timestamp {
        state.withLock { Timestamp(milliseconds: Int64($0.nanoseconds / 1_000_000) + $0.offset) }
    }

    func monotonicNanoseconds() -> UInt64 { state.withLock { $0.nanoseconds } }

    func advance(by nanoseconds: UInt64) {
        state.withLock { $0.nanoseconds += nanoseconds }
    }

    func advance(to nanoseconds: UInt64) {
        state.withLock { $0.nanoseconds = max($0.nanoseconds, nanoseconds) }
    }

    /// How far the time of day is from where it began, besides the time that has passed.
    func setTimeOfDay(to offset: Int64) {
        state.withLock { $0.offset = offset }
    }
}
