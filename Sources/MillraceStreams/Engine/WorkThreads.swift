import MillraceCore

/// Where an app's threads come from, and how one waits for others. Simulation gives threads that run one at a time, in an order that a seed decides.
package protocol WorkThreads: Sendable {
    /// Starts a thread that runs `body` and ends.
    func start(_ body: @escaping @Sendable () -> Void) throws

    /// Waits until `isDone`, at most this long.
    ///
    /// - Returns: Whether it is.
    func wait(for duration: Duration, until isDone: () -> Bool) -> Bool
}

extension StreamsBackend {
    /// Starts a thread of an app on this backend.
    func startThread(_ body: @escaping @Sendable () -> Void) throws {
        if let threads { try threads.start(body) } else { try WorkerThread.start(body) }
    }
}
