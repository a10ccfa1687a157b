import MillraceCore
import MillracePlan

/// What a worker counts: belongs to its thread, and publishes to the app's board with each commit. Clocks are read for calls and slices of many records, never for one.
final class WorkerMeter {
    private let board: MetricsBoard
    private let clock: any WallClock
    private let collector: RecordCollector
    private var figures: MetricsBoard.Figures
    /// What tasks have done since the last publication.
    private var tasks: [TaskID: (task: StreamTask, metrics: TaskMetrics)] = [:]
    /// Records that topics had been given, in the collector's order, when they were looked at last.
    private var written: [Int] = []
    /// When the work of the slice at hand began.
    private var sliceStart: UInt64 = 0
    private var commitStart: UInt64 = 0

    init(number: Int, board: MetricsBoard, clock: any WallClock, collector: RecordCollector) {
        self.board = board
        self.clock = clock
        self.collector = collector
        figures = MetricsBoard.Figures(worker: WorkerMetrics(number: number))
    }

    /// A store of a task has its rows here.
    func opened(_ planned: PlannedStore, of task: TaskID, _ backing: Backing) -> Backing {
        board.opened(MetricsBoard.StoreID(task: task, store: planned.declaration.name), backing)
        return backing
    }

    /// The worker does not hold a task any more; what it did since the last publication is not counted.
    func closed(_ task: TaskID) {
        tasks[task] = nil
        board.closed(task)
    }

    /// What was done since the last commit is done no more.
    func forget() {
        tasks = [:]
        written = collector.recordCounts.map(\.count)
    }

    func isAlive(_ isAlive: Bool) {
        board.worker(figures.worker.number, isAlive: isAlive)
    }

    /// A call for records.
    func poll(_ body: () throws -> [FetchedBatches]) rethrows -> [FetchedBatches] {
        let start = clock.monotonicNanoseconds()
        let fetched = try body()
        figures.worker.polls.add(Int64((clock.monotonicNanoseconds() - start) / 1000))
        for batches in fetched { figures.ends[batches.partition] = batches.endOffset }
        return fetched
    }

    /// The tasks are to have their turns now, one after the other.
    func beginSlices() {
        sliceStart = clock.monotonicNanoseconds()
    }

    /// A task has processed records.
    ///
    /// - Returns: How long it took, in nanoseconds; `nil` when there were none.
    func processed(_ task: StreamTask, _ records: Int) -> UInt64? {
        guard records > 0 else { return nil }
        let time = endSlice()
        update(task) { metrics in
            metrics.processed += records
            metrics.processingTime += .nanoseconds(Int64(time))
        }
        return time
    }

    /// A task has been asked for its punctuations.
    func punctuated(_ task: StreamTask, _ fired: Bool) {
        guard fired else { return }
        let time = endSlice()
        update(task) { $0.punctuationTime += .nanoseconds(Int64(time)) }
    }

    /// A commit begins.
    ///
    /// - Parameters:
    ///   - inputBytes: What waits to be processed.
    ///   - storeBytes: What rows take in memory.
    func beginCommit(inputBytes: Int, storeBytes: Int) {
        commitStart = clock.monotonicNanoseconds()
        figures.memory.inputBytes = inputBytes
        figures.memory.outputBytes = collector.pendingBytes
        figures.memory.storeBytes = storeBytes
    }

    /// A task has written its changelogs.
    func wroteChangelogs(_ task: StreamTask) {
        noteWritten(by: task)
    }

    /// Something was committed.
    func endCommit(now: Timestamp, global: GlobalStateTask) {
        figures.worker.commits.add(Int64((clock.monotonicNanoseconds() - commitStart) / 1000))
        publish(now: now, global: global)
    }

    /// Publishes what was counted: after a commit, or when there is nothing to commit.
    func publish(now: Timestamp, global: GlobalStateTask) {
        let monotonic = clock.monotonicNanoseconds()
        for (id, entry) in tasks {
            var metrics = entry.metrics
            let times = entry.task.context.takeCounts(into: &metrics, now: now)
            metrics.read.merge(entry.task.takeReadAmounts()) { $1 }
            if times.latency.records > 0 { figures.highestLatencies[id] = times.highestLatency }
            figures.tasks.append(metrics)
            for store in entry.task.restorableStores {
                figures.storeMemory[MetricsBoard.StoreID(task: id, store: store.store.name)] = store.store.byteCount
            }
        }
        var globalMetrics = TaskMetrics(id: global.context.id)
        _ = global.context.takeCounts(into: &globalMetrics, now: now)
        globalMetrics.read = global.takeReadAmounts()
        if !globalMetrics.read.isEmpty || !globalMetrics.dropped.isEmpty { figures.tasks.append(globalMetrics) }
        board.publish(figures, now: monotonic)
        let memory = figures.memory
        figures = MetricsBoard.Figures(worker: WorkerMetrics(number: figures.worker.number), memory: memory)
        tasks.removeAll(keepingCapacity: true)
    }

    private func endSlice() -> UInt64 {
        let now = clock.monotonicNanoseconds()
        defer { sliceStart = now }
        return now - sliceStart
    }

    private func update(_ task: StreamTask, _ change: (inout TaskMetrics) -> Void) {
        change(&tasks[task.id, default: (task, TaskMetrics(id: task.id))].metrics)
        noteWritten(by: task)
    }

    /// Puts down to a task what topics were given since the last look.
    private func noteWritten(by task: StreamTask) {
        let counts = collector.recordCounts
        if counts.count > written.count { written += [Int](repeating: 0, count: counts.count - written.count) }
        for (place, topic) in counts.enumerated() where topic.count != written[place] {
            tasks[task.id, default: (task, TaskMetrics(id: task.id))].metrics.written[topic.name, default: 0] +=
                topic.count - written[place]
            written[place] = topic.count
        }
    }
}
