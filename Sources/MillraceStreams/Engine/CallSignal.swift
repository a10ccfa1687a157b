import MillraceCore
import Synchronization

/// What a worker and the asynchronous calls of its tasks share: calls ring when they have an answer, the worker waits for that, and tells calls the time.
///
/// Rings reach a worker that waits for records too, by waking its session. A test driver has no clock: there time stands still while calls are at work, for as long as they answer
/// soon, and waits without any call at work are over at once. The calls run on the driver's thread while it waits, which may be one of Swift's own: all of those may be waiting so.
package final class CallSignal: Sendable {
    private struct State {
        var isRung = false
        var isClosed = false
        var session: SessionWaker?
        var bell: EndOfWorkers?
        /// Without a clock: what time it is.
        var now: UInt64 = 0
    }

    private let state = Mutex(State())
    private let clock: (any WallClock)?
    private let isAbandoned: @Sendable () -> Bool
    /// Where calls run; `nil` for Swift's threads.
    let executor: CallExecutor?

    /// - Parameters:
    ///   - isAbandoned: Whether nobody wants answers any more, so that waits are to end.
    package init(
        clock: (any WallClock)? = nil, isAbandoned: @escaping @Sendable () -> Bool = { false }
    ) {
        self.clock = clock
        self.isAbandoned = isAbandoned
        executor = clock == nil ? CallExecutor() : nil
        executor?.onJob = { [weak self] in self?.ring() }
    }

    /// A time that only grows, in nanoseconds.
    var now: UInt64 { clock?.monotonicNanoseconds() ?? state.withLock { $0.now } }

    /// Wakes this session, too, when it is rung; `nil`, for none, before one is closed.
    func wake(_ session: (any TransportSession)?) {
        state.withLock { $0.session = session.map { SessionWaker($0) } }
    }

    /// From any thread: an answer is there.
    func ring() {
        let bell = state.withLock { state -> EndOfWorkers? in
            guard !state.isClosed else { return nil }
            state.isRung = true
            // Under the lock, so that a session is not woken while it is being closed.
            state.session?.wake()
            defer { state.bell = nil }
            return state.bell
        }
        bell?.note(.success(()), orElse: {})
    }

    /// Waits for a ring since the last wait, or until a time.
    ///
    /// - Parameters:
    ///   - isWorking: Whether any call is at work, whose answer may be waited for.
    ///   - deadline: In nanoseconds; `nil` for no end but that of the worker.
    /// - Throws: `MillraceError` of kind `cancelled` when the worker is to end without a commit.
    package func wait(isWorking: Bool, until deadline: UInt64?) throws {
        guard !isAbandoned() else { throw MillraceError(.cancelled, "The app was stopped while calls were at work.") }
        let moment: UInt64 = 20_000_000
        let now = self.now
        let time = min(deadline.map { $0 > now ? $0 - now : 0 } ?? moment, moment)
        if clock == nil, !isWorking {
            return state.withLock { $0.now = max($0.now, deadline ?? 0) }
        }
        if let executor, executor.runJobs() { return }
        let bell = EndOfWorkers(count: 1)
        let isRung = state.withLock { state in
            defer { state.isRung = false }
            if !state.isRung { state.bell = bell }
            return state.isRung
        }
        guard !isRung else { return }
        let hasCome = bell.wait(for: .nanoseconds(Int64(time)))
        state.withLock { state in
            state.bell = nil
            state.isRung = false
            if clock == nil, !hasCome { state.now += time }
        }
    }

    /// No more rings.
    package func close() {
        state.withLock { ($0.isClosed, $0.session) = (true, nil) }
        // What was cancelled comes to its end.
        while executor?.runJobs() == true {}
    }
}

/// Runs asynchronous closures on the thread that waits for them, one after the other.
final class CallExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var onJob: @Sendable () -> Void = {}
    }
    private let state = Mutex(State())

    /// Called from any thread when there is something to run.
    var onJob: @Sendable () -> Void {
        get { state.withLock { $0.onJob } }
        set { state.withLock { $0.onJob = newValue } }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let onJob = state.withLock { state in
            state.jobs.append(job)
            return state.onJob
        }
        onJob()
    }

    /// Runs what is there.
    ///
    /// - Returns: Whether anything was.
    func runJobs() -> Bool {
        let jobs = state.withLock { state in
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
        return !jobs.isEmpty
    }
}
