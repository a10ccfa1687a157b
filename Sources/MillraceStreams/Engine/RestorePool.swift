import MillraceCore
import Synchronization

/// The threads on which tasks are restored and kept warm, so that others run meanwhile. A thread lives as long as it has tasks, and reads with a session of its own.
final class RestorePool: Sendable {
    private struct Lane {
        /// Tasks that the thread has still to take up.
        var mail: [TaskRestore] = []
        var isRunning = false
        var load = 0
        var waker: SessionWaker?
    }

    private let lanes: Mutex<[Lane]>
    private let threads: EndOfWorkers
    private let backend: StreamsBackend
    private let restorer: StateRestorer
    private let sessionName: @Sendable (Int) -> String
    private let group: String
    private let budget: Int

    /// - Parameters:
    ///   - budget: How many bytes of rows may wait to be written, in all.
    ///   - sessionName: The names of the sessions.
    init(
        threads: Int, budget: Int, backend: StreamsBackend, restorer: StateRestorer, group: String,
        sessionName: @escaping @Sendable (Int) -> String
    ) {
        self.backend = backend
        self.threads = EndOfWorkers(count: 0, threads: backend.threads)
        self.restorer = restorer
        self.group = group
        self.sessionName = sessionName
        let count = max(1, threads)
        self.budget = max(1 << 16, budget / count)
        lanes = Mutex(Array(repeating: Lane(), count: count))
    }

    /// Takes a task, until it has an outcome.
    func submit(_ restore: TaskRestore) {
        let (lane, starts) = lanes.withLock { lanes in
            let lane = lanes.indices.min { lanes[$0].load < lanes[$1].load } ?? 0
            lanes[lane].mail.append(restore)
            lanes[lane].load += 1
            lanes[lane].waker?.wake()
            defer { lanes[lane].isRunning = true }
            return (lane, !lanes[lane].isRunning)
        }
        guard starts else { return }
        threads.add()
        do {
            try backend.startThread { [self] in
                run(lane)
                threads.note(.success(()), orElse: {})
            }
        } catch {
            threads.note(.success(()), orElse: {})
            failAll(lane, error)
        }
    }

    /// Makes the threads look at what was asked of their tasks.
    func wake() {
        lanes.withLock { lanes in for lane in lanes { lane.waker?.wake() } }
    }

    /// Waits until all threads have ended; they do when they have no tasks.
    func waitForThreads() { threads.waitForAll() }

    private func run(_ lane: Int) {
        let session: any TransportSession
        do {
            // It only reads, so there is nothing that a transaction would be for.
            session = try backend.transport.openSession(named: sessionName(lane), group: group, guarantee: .atLeastOnce)
        } catch { return failAll(lane, error) }
        let waker = SessionWaker(session)
        lanes.withLock { $0[lane].waker = waker }
        defer { session.close() }
        let reader = ChangelogReader(session, restorer, budget: budget)
        while true {
            for restore in lanes.withLock({ lanes in
                defer { lanes[lane].mail = [] }
                return lanes[lane].mail
            }) { reader.add(restore) }
            do { try reader.step() } catch { reader.fail(error) }
            let isOver = lanes.withLock { lanes in
                lanes[lane].load = reader.count + lanes[lane].mail.count
                guard lanes[lane].load == 0 else { return false }
                lanes[lane].isRunning = false
                lanes[lane].waker = nil
                return true
            }
            if isOver { return }
        }
    }

    private func failAll(_ lane: Int, _ error: any Error) {
        let mail = lanes.withLock { lanes in
            defer { lanes[lane] = Lane() }
            return lanes[lane].mail
        }
        for restore in mail { restore.end(.failed(error)) }
    }
}

/// A session, of which only `wake` is used from other threads.
struct SessionWaker: @unchecked Sendable {
    private let session: any TransportSession

    init(_ session: any TransportSession) {
        self.session = session
    }

    func wake() { session.wake() }

    func isOf(_ other: any TransportSession) -> Bool { session === other }
}
