import MillraceCore
import Synchronization

/// A task that is being restored, or kept warm, on its way from a worker to a restore thread and back.
///
/// The task belongs to the restore thread from `RestorePool.submit` until there is an outcome, and to the worker before and after.
final class TaskRestore: @unchecked Sendable {
    /// What became of it.
    enum Outcome {
        /// All of its stores are at the ends of their changelogs.
        case restored
        /// The worker asked for it back. What was restored is kept.
        case cancelled
        /// A changelog does not hold any more what comes next: the stores are to be made again.
        case outdated
        case failed(any Error)
    }

    private struct State {
        var isFollowing: Bool
        var isCancelled = false
        var outcome: Outcome?
        var position: Int64 = 0
    }

    let task: StreamTask
    private let state: Mutex<State>
    private let ended: EndOfWorkers
    private let onEnd: @Sendable () -> Void

    /// - Parameters:
    ///   - isFollowing: Whether it goes on when the ends are reached, as standbys do.
    ///   - threads: Where threads come from; the system when `nil`.
    ///   - onEnd: Called when there is an outcome.
    init(_ task: StreamTask, isFollowing: Bool, threads: (any WorkThreads)? = nil, onEnd: @escaping @Sendable () -> Void) {
        self.task = task
        ended = EndOfWorkers(count: 1, threads: threads)
        self.onEnd = onEnd
        state = Mutex(State(isFollowing: isFollowing))
    }

    /// `nil` as long as a restore thread has the task.
    var outcome: Outcome? { state.withLock { $0.outcome } }
    var isFollowing: Bool { state.withLock { $0.isFollowing } }
    var isCancelled: Bool { state.withLock { $0.isCancelled } }
    /// The sum of its stores' offsets.
    var position: Int64 { state.withLock { $0.position } }

    /// Restores what is left, and then ends: a standby becomes active.
    func finishSoon() { state.withLock { $0.isFollowing = false } }

    /// Asks for the task back.
    func cancel() { state.withLock { $0.isCancelled = true } }

    /// Waits until the restore thread has let go of the task; not for long after `cancel`.
    func waitForEnd() { ended.waitForAll() }

    // MARK: Of the restore thread

    func note(position: Int64) { state.withLock { $0.position = position } }

    func end(_ outcome: Outcome) {
        state.withLock { $0.outcome = outcome }
        ended.note(.success(()), orElse: {})
        onEnd()
    }
}
