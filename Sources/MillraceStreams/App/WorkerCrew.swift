import MillraceCore
import Synchronization

/// The worker threads of one run, as many as are wished for at the time.
final class WorkerCrew: Sendable {
    private struct State {
        /// The numbers of the workers that are to run.
        var wanted: Set<Int> = []
        /// Those whose threads have not ended.
        var present: Set<Int> = []
        var isOver = false
    }

    private let state = Mutex(State())
    private let ended: EndOfWorkers
    private let run: AppRun
    private let limit: Int

    /// - Parameter limit: More workers than that would have nothing to do.
    init(_ run: AppRun, limit: Int) {
        self.run = run
        self.limit = limit
        ended = EndOfWorkers(count: 0, threads: run.backend.threads)
    }

    /// Starts workers, or lets the youngest ones end.
    func resize(to count: Int) {
        let starting = state.withLock { state -> [Int] in
            guard !state.isOver else { return [] }
            let count = min(max(1, count), limit)
            let wanted = Set(0..<count)
            // A worker that is ending keeps its number, and its session's name, until it is gone.
            let starting = wanted.subtracting(state.present).sorted()
            state.wanted = wanted
            state.present.formUnion(wanted)
            for _ in starting { ended.add() }
            run.progress.expect(workers: count)
            run.localGroup.share(over: wanted.sorted())
            return starting
        }
        run.stops.wakeAll()
        for number in starting { start(number) }
    }

    /// Waits until all workers have ended; meanwhile does what is to be done now and then.
    ///
    /// - Parameter metrics: Asked when it is time to report.
    /// - Throws: The first error of a worker.
    func waitForEnd(_ metrics: () -> AppMetrics) throws {
        func now() -> UInt64 { run.backend.clock.monotonicNanoseconds() }
        let upkeep = StateUpkeep(run)
        var upkeeps = Interval(.seconds(10), from: now())
        var reports = Reports(every: run.configuration.reportInterval, from: now())
        defer { reports.finish(run.configuration, metrics) }
        while !ended.wait(for: min(upkeeps.timeLeft(now()), reports.timeLeft(now()))) {
            reports.runIfDue(now(), run.configuration, metrics)
            guard upkeeps.isDue(now()) else { continue }
            do { try upkeep.run() } catch {
                run.stops.fail()
                close()
                throw error
            }
        }
        close()
        if let error = ended.firstError { throw error }
    }

    /// From here on nobody starts.
    private func close() {
        state.withLock { $0.isOver = true }
        ended.waitForAll()
        run.restores.waitForThreads()
    }

    private func start(_ number: Int) {
        do {
            try run.backend.startThread { [self] in
                let result = Result { try Worker(number: number, of: run) { [self] in isDismissed(number) }.work() }
                finish(number, result)
            }
        } catch { finish(number, .failure(error)) }
    }

    private func isDismissed(_ number: Int) -> Bool { state.withLock { !$0.wanted.contains(number) } }

    private func finish(_ number: Int, _ result: Result<Void, any Error>) {
        let returns = state.withLock { state in
            state.present.remove(number)
            // Wished for again while it was ending.
            guard state.wanted.contains(number), !state.isOver, !run.stops.isStopping, case .success = result else { return false }
            state.present.insert(number)
            ended.add()
            return true
        }
        run.progress.workerHasEnded(number)
        if returns { start(number) }
        ended.note(result, orElse: run.stops.fail)
    }
}
