import MillraceCore
import Synchronization

/// What the workers of an app tell each other: how far each partition is committed, who is running, and whether all work is done.
final class AppProgress: Sendable {
    private struct State {
        var committed: [TopicPartition: Offset] = [:]
        var processed = 0
        var dropped: [Int: [DropReason: Int]] = [:]
        var workers: Int
        /// The workers that run all they are to run.
        var settled: Set<Int> = []
        var running: Set<TaskID> = []
        var wasSettled = false
        var stopsWhenIdle = false
    }

    private let state: Mutex<State>
    private let transport: any Transport
    /// How many tasks run when all do; `nil` where others run some.
    private let tasks: Int?
    /// How far all partitions of the app are committed, those of other processes and those of tasks that are on their way from one worker to another too.
    private let committedByAll: (@Sendable () throws -> [TopicPartition: Offset])?
    private let onSettled: @Sendable (Bool) -> Void
    private let onAllIdle: @Sendable () -> Void

    /// - Parameters:
    ///   - committedByAll: Where others run some of the tasks: how far all partitions that the app reads are committed, be it nowhere.
    ///   - onSettled: Called with `true` when all tasks run, and with `false` when that is no longer so.
    ///   - onAllIdle: Called when everything that the app reads is processed and committed and it was asked to stop then.
    ///   - previous: The run before, which failed; its counts are carried on.
    init(
        transport: any Transport, workers: Int, tasks: Int?, committedByAll: (@Sendable () throws -> [TopicPartition: Offset])? = nil,
        after previous: AppProgress?, onSettled: @escaping @Sendable (Bool) -> Void, onAllIdle: @escaping @Sendable () -> Void
    ) {
        self.transport = transport
        self.tasks = tasks
        self.committedByAll = committedByAll
        state = Mutex(State(workers: workers))
        self.onSettled = onSettled
        self.onAllIdle = onAllIdle
        guard let previous else { return }
        let (processed, dropped) = (previous.processedRecords, previous.droppedRecords)
        state.withLock { state in
            state.processed = processed
            state.dropped[-1] = dropped
        }
    }

    func stopWhenIdle() {
        state.withLock { $0.stopsWhenIdle = true }
    }

    var processedRecords: Int { state.withLock { $0.processed } }

    /// Notes what a worker has committed: how many records it processed since the last time, and how many it has left out in all.
    func count(_ records: Int, dropped: [DropReason: Int], worker: Int) {
        state.withLock { state in
            state.processed += records
            state.dropped[worker] = dropped
        }
    }

    var droppedRecords: [DropReason: Int] {
        state.withLock { $0.dropped.values.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) } }
    }

    func note(_ partition: TopicPartition, _ offset: Offset) {
        state.withLock { $0.committed[partition] = offset }
    }

    /// How far all partitions are committed.
    var positions: [TopicPartition: Offset] { state.withLock { $0.committed } }

    func position(of partition: TopicPartition) -> Offset? {
        state.withLock { $0.committed[partition] }
    }

    /// Forgets a partition that this process does not read any more.
    func forget(_ partition: TopicPartition) {
        state.withLock { $0.committed[partition] = nil }
    }

    /// How many workers share the app's memory.
    var workers: Int { state.withLock { $0.workers } }

    /// Notes how many workers there are from now on.
    func expect(workers: Int) { change { $0.workers = workers } }

    func taskRuns(_ task: TaskID) { change { $0.running.insert(task) } }

    func taskIsGone(_ task: TaskID) { change { $0.running.remove(task) } }

    /// Notes whether a worker runs all that it is to run.
    func worker(_ worker: Int, isSettled: Bool) {
        change { state in
            if isSettled { state.settled.insert(worker) } else { state.settled.remove(worker) }
        }
    }

    /// Notes that a worker has ended although the app goes on.
    func workerHasEnded(_ worker: Int) {
        change { state in
            state.settled.remove(worker)
            state.dropped[-1, default: [:]].merge(state.dropped.removeValue(forKey: worker) ?? [:], uniquingKeysWith: +)
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let news = state.withLock { state -> Bool? in
            body(&state)
            let isSettled = isSettled(state)
            defer { state.wasSettled = isSettled }
            return isSettled == state.wasSettled ? nil : isSettled
        }
        if let news { onSettled(news) }
    }

    private func isSettled(_ state: State) -> Bool {
        state.settled.count == state.workers && (tasks == nil || tasks == state.running.count)
    }

    /// To be called by a worker that has nothing left to do.
    func workerIsIdle() throws {
        let committed = state.withLock { $0.stopsWhenIdle && isSettled($0) ? $0.committed : nil }
        guard let committed else { return }
        // Two looks: between them nothing may have moved, or a worker may just be passing work on to another.
        for (partition, offset) in committed where try transport.offsetRange(of: partition).upperBound > offset { return }
        // In a group the workers may have all that they were told to have while somebody else, or nobody yet, has the rest.
        for (partition, offset) in try committedByAll?() ?? [:] where committed[partition] == nil {
            let range = try transport.offsetRange(of: partition)
            if range.upperBound > max(offset, range.lowerBound) { return }
        }
        guard state.withLock({ isSettled($0) && $0.committed == committed }) else { return }
        onAllIdle()
    }
}
