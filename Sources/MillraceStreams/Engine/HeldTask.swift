import MillraceCore

/// A task that a worker has claimed, in one of four states: it is restored, follows its changelogs as a standby, runs, or is being given up.
final class HeldTask {
    enum Role { case active, standby, warmUp }

    let id: TaskID
    /// What the assignment says of it.
    var role: Role
    /// Where it is while a restore thread has it; `nil` when it runs.
    var restore: TaskRestore?
    /// Whether it goes as soon as the restore thread has given it back.
    var isClosing = false
    let context: TaskContext

    init(_ id: TaskID, role: Role, context: TaskContext, restore: TaskRestore) {
        self.id = id
        self.role = role
        self.context = context
        self.restore = restore
    }

    var isRunning: Bool { restore == nil }

    /// Whether it does what it is there for: runs, or follows.
    var isInPlace: Bool { !isClosing && (isRunning ? role == .active : role != .active) }
}

extension TaskAssignment {
    /// What is done with a task; `nil` when nothing is.
    func role(of task: TaskID) -> HeldTask.Role? {
        if active.contains(task) { return .active }
        if standby.contains(task) { return .standby }
        return warmUp.contains(task) ? .warmUp : nil
    }

    var tasks: [TaskID] { active.union(standby).union(warmUp).sorted() }
}
