import MillraceCore
import Synchronization

/// Shares an app's tasks out over the workers of this process, where no group of several processes does.
///
/// When workers come or go, as few tasks move as an even share allows.
final class LocalGroup: Sendable {
    private struct State {
        var shares: [Int: Set<TaskID>] = [:]
        var version = 0
    }

    private let tasks: [TaskID]
    private let state = Mutex(State())

    /// - Parameter tasks: All there are.
    init(_ tasks: [TaskID]) {
        self.tasks = tasks.sorted()
    }

    /// Shares the tasks out anew.
    ///
    /// - Parameter workers: The numbers of those that run, or are about to.
    /// - Returns: The number of this sharing, which grows.
    @discardableResult
    func share(over workers: [Int]) -> Int {
        state.withLock { state in
            state.shares = Self.shares(of: tasks, over: workers.sorted(), before: state.shares)
            state.version += 1
            return state.version
        }
    }

    /// The membership of a worker.
    func join(as worker: Int) -> any GroupMembership { LocalMembership(self, worker) }

    fileprivate func share(of worker: Int, after version: Int) -> (Set<TaskID>, version: Int)? {
        state.withLock { state in
            state.version == version ? nil : (state.shares[worker] ?? [], state.version)
        }
    }

    /// Everybody keeps what it has up to an even share; the rest goes round, so that the tasks of a subtopology, which are alike, are spread.
    static func shares(of tasks: [TaskID], over workers: [Int], before: [Int: Set<TaskID>]) -> [Int: Set<TaskID>] {
        guard !workers.isEmpty else { return [:] }
        var shares: [Int: Set<TaskID>] = [:]
        var limits: [Int: Int] = [:]
        for (index, worker) in workers.enumerated() {
            let limit = tasks.count / workers.count + (index < tasks.count % workers.count ? 1 : 0)
            limits[worker] = limit
            shares[worker] = Set((before[worker] ?? []).sorted().prefix(limit))
        }
        let taken = shares.values.reduce(into: Set<TaskID>()) { $0.formUnion($1) }
        var turn = 0
        for task in tasks where !taken.contains(task) {
            func isFull(_ worker: Int) -> Bool { (shares[worker]?.count ?? 0) >= (limits[worker] ?? 0) }
            while isFull(workers[turn % workers.count]) { turn += 1 }
            shares[workers[turn % workers.count], default: []].insert(task)
            turn += 1
        }
        return shares
    }
}

/// A worker's part in a `LocalGroup`.
private final class LocalMembership: GroupMembership {
    private let group: LocalGroup
    private let worker: Int
    private var version = 0
    private var isOver = false

    init(_ group: LocalGroup, _ worker: Int) {
        self.group = group
        self.worker = worker
    }

    func changedAssignment() throws -> TaskAssignment? {
        if isOver { throw MillraceError(.cancelled, "The app was asked to end.") }
        guard let (share, version) = group.share(of: worker, after: version) else { return nil }
        self.version = version
        return TaskAssignment(active: share)
    }

    // Workers of one process hand tasks over through `TaskClaims`, and end together.
    func report(_ held: TaskAssignment, positions: [TaskID: Int64]) {}
    func shutDownApplication() { isOver = true }
    func leave() {}
}
