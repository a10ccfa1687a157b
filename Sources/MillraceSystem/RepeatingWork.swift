import MillraceCore

/// A thread that does something again and again: syncing, keeping house.
package final class RepeatingWork: @unchecked Sendable {
    private let monitor = Monitor()
    private let stopped: Condition
    private var isStopped = false
    private var thread: BackgroundThread?

    /// - Parameter work: Gets a way to wait inside of it, in nanoseconds, which says whether to go on.
    package init(every interval: Duration, _ work: @escaping @Sendable (_ wait: (UInt64) -> Bool) -> Void) {
        stopped = Condition(of: monitor)
        let nanoseconds = UInt64(max(1, interval.milliseconds)) * 1_000_000
        thread = BackgroundThread { [self] in
            while wait(nanoseconds) { work(wait) }
        }
    }

    /// Whether to go on, after the time is over.
    private func wait(_ nanoseconds: UInt64) -> Bool {
        monitor.locked {
            let deadline = Condition.now() + nanoseconds
            while !isStopped, Condition.now() < deadline { stopped.wait(until: deadline) }
            return !isStopped
        }
    }

    /// Ends the thread and waits until it has ended, unless it is the thread itself that calls.
    package func stop() {
        let running = monitor.locked {
            isStopped = true
            stopped.signal()
            defer { thread = nil }
            return thread
        }
        running?.join()
    }
}
