import MillraceCore
import MillracePlan
import Synchronization

/// Where the workers of an app publish what they have counted, and where it is read from by any thread. It outlives restarts.
final class MetricsBoard: Sendable {
    /// A store of a task.
    struct StoreID: Hashable {
        var task: TaskID
        var store: String
    }

    private struct State {
        var workers: [Int: WorkerMetrics] = [:]
        var memory: [Int: MemoryMetrics] = [:]
        var tasks: [TaskID: TaskMetrics] = [:]
        var latencies: [TaskID: RecentPeak] = [:]
        /// The ends of partitions as of the last fetch.
        var ends: [TopicPartition: Offset] = [:]
        var storeMemory: [StoreID: Int] = [:]
        var backings: [StoreID: Backing] = [:]
        var restores: [StoreID: RestoreProgress] = [:]
        var database: (any ByteStore)?
        var runs = 0
    }

    /// What a worker publishes at once.
    struct Figures {
        var worker: WorkerMetrics
        var memory = MemoryMetrics()
        var tasks: [TaskMetrics] = []
        var highestLatencies: [TaskID: Duration] = [:]
        var ends: [TopicPartition: Offset] = [:]
        var storeMemory: [StoreID: Int] = [:]
    }

    private let state = Mutex(State())

    /// A run, the first or the next one after a failure, begins on this database.
    func begin(on database: any ByteStore) {
        state.withLock { state in
            state.runs += 1
            state.database = database
        }
    }

    /// The run has ended, and its database is about to be closed.
    func end() {
        state.withLock { state in
            state.database = nil
            state.backings = [:]
            state.storeMemory = [:]
            state.memory = [:]
        }
    }

    func worker(_ number: Int, isAlive: Bool) {
        state.withLock { state in
            state.workers[number, default: WorkerMetrics(number: number)].isAlive = isAlive
            if !isAlive { state.memory[number] = nil }
        }
    }

    /// A task is held no more by the worker that had it.
    func closed(_ task: TaskID) {
        state.withLock { state in
            state.backings = state.backings.filter { $0.key.task != task }
            state.storeMemory = state.storeMemory.filter { $0.key.task != task }
            state.restores = state.restores.filter { $0.key.task != task }
        }
    }

    /// The rows of a store are to be found here.
    func opened(_ store: StoreID, _ backing: Backing) {
        state.withLock { $0.backings[store] = backing }
    }

    func restoring(_ progress: RestoreProgress) {
        state.withLock { $0.restores[StoreID(task: progress.task, store: progress.store)] = progress }
    }

    /// Adds what a worker has counted since it published the last time.
    func publish(_ figures: Figures, now: UInt64) {
        state.withLock { state in
            let number = figures.worker.number
            var worker = state.workers[number] ?? WorkerMetrics(number: number)
            worker.polls.merge(figures.worker.polls)
            worker.commits.merge(figures.worker.commits)
            state.workers[number] = worker
            state.memory[number] = figures.memory
            for task in figures.tasks { state.tasks[task.id, default: TaskMetrics(id: task.id)].add(task) }
            for (task, latency) in figures.highestLatencies { state.latencies[task, default: RecentPeak()].note(latency, now: now) }
            state.ends.merge(figures.ends) { $1 }
            state.storeMemory.merge(figures.storeMemory) { $1 }
        }
    }

    /// Everything as of now.
    ///
    /// - Parameters:
    ///   - threads: How many workers there should be.
    ///   - committed: How far the partitions that the app reads are committed.
    ///   - end: Asked for the end of each partition; `nil` where it cannot be told, which leaves the one seen last, if that is further on.
    func snapshot(
        of applicationID: String, in appState: AppState, threads: Int, budget: Int, committed: [TopicPartition: Offset], now: UInt64,
        end: (TopicPartition) -> Offset?
    ) -> AppMetrics {
        let seen = state.withLock { $0 }
        var memory = MemoryMetrics()
        memory.budget = budget
        for part in seen.memory.values {
            memory.inputBytes += part.inputBytes
            memory.outputBytes += part.outputBytes
            memory.storeBytes += part.storeBytes
        }
        memory.database = seen.database?.usage ?? ByteStoreUsage()
        memory.processBytes = ProcessMemory.residentBytes
        let tasks = seen.tasks.values.sorted { $0.id < $1.id }.map { task in
            var task = task
            task.highestLatency = seen.latencies[task.id]?.highest(now: now) ?? .zero
            return task
        }
        let inputs = committed.sorted { $0.key < $1.key }.map { partition, offset in
            // What was fetched last says that there is more, if anything: where nothing is fetched any more, it is not the end.
            PartitionMetrics(
                partition: partition, committed: offset, end: end(partition) ?? seen.ends[partition].flatMap { $0 > offset ? $0 : nil })
        }
        return AppMetrics(
            applicationID: applicationID, state: appState, restarts: max(0, seen.runs - 1), threads: threads,
            workers: seen.workers.values.sorted { $0.number < $1.number }, tasks: tasks, inputs: inputs,
            stores: stores(seen, memory.database),
            restores: seen.restores.values.sorted { ($0.task, $0.store) < ($1.task, $1.store) }, memory: memory)
    }

    private func stores(_ seen: State, _ usage: ByteStoreUsage) -> [StoreMetrics] {
        let ids = Set(seen.storeMemory.keys).union(seen.backings.keys)
        return ids.sorted { ($0.task, $0.store) < ($1.task, $1.store) }.map { id in
            let disk = seen.backings[id].map(\.approximateSize)
            let share = disk.map { Double($0) / Double(max(1, usage.diskBytes)) }
            return StoreMetrics(
                store: id.store, task: id.task, memoryBytes: seen.storeMemory[id] ?? 0, diskBytes: disk ?? 0,
                rows: share.map { UInt64(Double(usage.rows) * min(1, $0)) })
        }
    }
}

extension Backing {
    /// Roughly the bytes that the rows take on disk.
    fileprivate var approximateSize: UInt64 {
        let end = BackingCursor.successor(of: prefix) ?? [255, 255, 255, 255]
        return prefix.withUnsafeBytes { lower in end.withUnsafeBytes { store.approximateSize(from: lower, to: $0) } }
    }
}

/// The highest of the values of the past while, in two halves, so that an old one is forgotten.
struct RecentPeak {
    private static let half: UInt64 = 30_000_000_000
    private var start: UInt64 = 0
    private var current = Duration.zero
    private var previous = Duration.zero

    mutating func note(_ value: Duration, now: UInt64) {
        turn(now)
        current = max(current, value)
    }

    /// The highest value of the past 30 to 60 seconds.
    func highest(now: UInt64) -> Duration {
        var copy = self
        copy.turn(now)
        return max(copy.current, copy.previous)
    }

    private mutating func turn(_ now: UInt64) {
        guard now >= start, now - start >= RecentPeak.half else { return }
        previous = now - start < 2 * RecentPeak.half ? current : .zero
        (start, current) = (now, .zero)
    }
}
