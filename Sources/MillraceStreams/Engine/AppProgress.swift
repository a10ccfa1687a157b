import MillraceCore
import Synchronization

/// What the workers of an app tell each other: how far each partition is committed, who is running, and whether all work is done.
final class AppProgress: Sendable {
    private struct State {
        var committed: [TopicPartition: Offset] = [:]
        var processed = 0
        var dropped: [Int: [DropReason: Int]] = [:]
        var running = 0
        var stopsWhenIdle = false
    }

    private let state = Mutex(State())
    private let transport: any Transport
    private let workers: Int
    private let onAllRunning: @Sendable () -> Void
    private let onAllIdle: @Sendable () -> Void

    /// - Parameters:
    ///   - onAllRunning: Called once, when the last worker has restored its state.
    ///   - onAllIdle: Called when everything that the app reads is processed and committed and it was asked to stop then.
    ///   - previous: The run before, which failed; its counts are carried on.
    init(
        transport: any Transport, workers: Int, after previous: AppProgress?, onAllRunning: @escaping @Sendable () -> Void,
        onAllIdle: @escaping @Sendable () -> Void
    ) {
        self.transport = transport
        self.workers = workers
        self.onAllRunning = onAllRunning
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

    func workerIsRunning() throws {
        let isLast = state.withLock { state in
            state.running += 1
            return state.running == workers
        }
        if isLast { onAllRunning() }
    }

    /// To be called by a worker that has nothing left to do.
    func workerIsIdle() throws {
        let committed = state.withLock { $0.stopsWhenIdle && $0.running == workers ? $0.committed : nil }
        guard let committed else { return }
        // Two looks: between them nothing may have moved, or a worker may just be passing work on to another.
        for (partition, offset) in committed where try transport.offsetRange(of: partition).upperBound > offset { return }
        guard state.withLock({ $0.committed == committed }) else { return }
        onAllIdle()
    }
}
