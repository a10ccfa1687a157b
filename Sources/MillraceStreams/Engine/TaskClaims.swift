import MillraceCore
import Synchronization

/// Which worker of this process holds a task: the one place through which tasks pass from one worker to another, so that no two ever work on the same rows.
///
/// A group may give a task to one worker of a process before another, which was put out without knowing it, has let go of it. Only the claim counts then.
final class TaskClaims: Sendable {
    private let holders = Mutex<[TaskID: Int]>([:])
    private let onRelease: @Sendable () -> Void

    /// - Parameter onRelease: Called when a task is free again; is to wake workers that may wait for it.
    init(onRelease: @escaping @Sendable () -> Void) {
        self.onRelease = onRelease
    }

    /// - Returns: Whether the worker holds the task now; `false` while another one does.
    func claim(_ task: TaskID, by worker: Int) -> Bool {
        holders.withLock { holders in
            if let holder = holders[task] { return holder == worker }
            holders[task] = worker
            return true
        }
    }

    /// To be called when nothing of the task is used by the worker any more.
    func release(_ task: TaskID, by worker: Int) {
        let wasHeld = holders.withLock { holders in
            guard holders[task] == worker else { return false }
            holders[task] = nil
            return true
        }
        if wasHeld { onRelease() }
    }

    /// Whether any worker has the task.
    func isHeld(_ task: TaskID) -> Bool { holders.withLock { $0[task] != nil } }
}
