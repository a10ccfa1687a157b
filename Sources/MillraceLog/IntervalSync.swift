import MillraceCore

/// A thread that calls for a sync again and again.
final class IntervalSync: @unchecked Sendable {
    private let monitor = Monitor()
    private let stopped: Condition
    private var isStopped = false
    private var thread: BackgroundThread?

    init(every interval: Duration, _ sync: @escaping @Sendable () -> Void) {
        stopped = Condition(of: monitor)
        let nanoseconds = UInt64(max(1, interval.milliseconds)) * 1_000_000
        thread = BackgroundThread { [self] in
            while waitForNext(nanoseconds) { sync() }
        }
    }

    /// Whether to go on, after the interval is over.
    private func waitForNext(_ nanoseconds: UInt64) -> Bool {
        monitor.locked {
            let deadline = Condition.now() + nanoseconds
            while !isStopped, Condition.now() < deadline { stopped.wait(until: deadline) }
            return !isStopped
        }
    }

    /// Ends the thread and waits until it has ended, unless it is the thread itself that calls.
    func stop() {
        let running = monitor.locked {
            isStopped = true
            stopped.signal()
            defer { thread = nil }
            return thread
        }
        running?.join()
    }
}
