import MillraceCore
import MillracePlan
import Synchronization

/// An application: a topology that runs on a backend until it is told to stop.
///
///     let app = StreamsApp(topology, on: try .embedded(at: "data"), configuration: .init(applicationID: "word-count"))
///     try await app.run()
///
/// The shape is that of ServiceLifecycle's `Service`: `run` returns after a graceful shutdown (`shutDown()`), which finishes and commits the work at hand, and throws when the
/// app fails. Cancelling the Swift task that runs it abandons the work since the last commit instead. Either way, the next run goes on from the last commit, exactly.
///
/// Kafka: `KafkaStreams`.
public final class StreamsApp: Sendable {
    private let topology: Topology
    private let backend: StreamsBackend
    private let configuration: StreamsConfiguration
    private let stops = StopSignal()
    private let board = MetricsBoard()
    private let ends = RecentEnds()
    private let progress = Mutex<AppProgress?>(nil)
    private let stopsWhenIdle = Mutex(false)
    private let currentState: CurrentState
    /// Where queries find the tasks' stores.
    let queries: StoreQueries
    /// The program, for those who ask what stores it has.
    var plan: PhysicalTopology { topology.plan }

    /// In an object of its own, so that queries can look at it without holding the app.
    private final class CurrentState: Sendable {
        private let state = Mutex(AppState.created)

        func withLock<Result: Sendable>(_ body: (inout sending AppState) -> sending Result) -> Result { state.withLock(body) }
    }

    private let crew = Mutex(Crew())

    /// The workers of the current run, and how many the app was told to have.
    private struct Crew {
        var crew: WorkerCrew?
        var threads: Int?
    }

    /// An app that does nothing until `run`.
    public init(_ topology: Topology, on backend: StreamsBackend, configuration: StreamsConfiguration) {
        self.topology = topology
        self.backend = backend
        self.configuration = configuration
        let state = CurrentState()
        currentState = state
        queries = StoreQueries(appState: { [stops] in stops.isStoppedByApp ? .stopping : state.withLock { $0 } })
    }

    /// What the app is doing.
    public var state: AppState { currentState.withLock { $0 } }

    /// Tells the listener, unless the state is `expected` no more.
    private func move(to state: AppState, from expected: Set<AppState>) {
        let hasMoved = currentState.withLock { current in
            guard expected.contains(current) else { return false }
            current = state
            return true
        }
        if hasMoved { configuration.onStateChange?(state) }
    }

    /// How many records were processed and committed in this run, those of internal topics too.
    public var processedRecords: Int { progress.withLock { $0 }?.processedRecords ?? 0 }

    /// How many records were left out in this run, by reason; those of failed records were handled as their policy says.
    public var droppedRecords: [DropReason: Int] { progress.withLock { $0 }?.droppedRecords ?? [:] }

    /// What the app has done and how it is, from any thread. A cluster is asked for the ends of the topics, which may take a moment, and not again for five seconds: lag on a cluster
    /// may be as old as that.
    public var metrics: AppMetrics {
        let progress = progress.withLock { $0 }
        let now = backend.clock.monotonicNanoseconds()
        return board.snapshot(
            of: configuration.applicationID, in: state, threads: progress?.workers ?? 0, budget: configuration.memoryBudget,
            committed: progress?.positions ?? [:], now: now
        ) { partition in
            // A transport that is closed, or does not answer, must not keep anybody from seeing the rest.
            let ask = { () -> Offset? in
                do { return try self.backend.transport.offsetRange(of: partition).upperBound } catch { return nil }
            }
            return backend.transport.sharesTasks ? ends.end(of: partition, now: now, ask) : ask()
        }
    }

    /// Runs until it is shut down. An app runs once.
    ///
    /// - Throws: `MillraceError` when the app cannot start, or fails; `CancellationError` when its task was cancelled.
    public func run() async throws {
        try begin()
        defer { end() }
        let finished = Finish()
        let supervisor: @Sendable () -> Void = { finished.complete(Result { try self.supervise() }) }
        let result = try await withTaskCancellationHandler {
            try backend.startThread(supervisor)
            return await finished.result()
        } onCancel: {
            self.stops.abandon()
        }
        try result.get()
        try Task.checkCancellation()
    }

    /// `run` in the calling thread, which waits as the app does: for threads that are not the system's.
    package func runInPlace() throws {
        try begin()
        defer { end() }
        try supervise()
    }

    private func begin() throws {
        guard
            currentState.withLock({ state in
                defer { state = .restoring }
                return state == .created
            })
        else {
            throw MillraceError(.configuration, "This app has been run already. Make another StreamsApp to run it again.")
        }
        configuration.onStateChange?(.restoring)
    }

    private func end() {
        move(to: .stopped, from: [.restoring, .running, .paused, .stopping])
    }

    /// Stops gracefully: no more records are read, those at hand are processed and committed, and `run` returns. May be called from anywhere, several times.
    public func shutDown() {
        stops.stop()
        move(to: .stopping, from: [.restoring, .running, .paused])
    }

    /// Ends the app on all its instances: each stops gracefully, as by `shutDown()`, and its `run` returns. May be called from anywhere, several times.
    ///
    /// Returns at once. The group is asked as soon as it can be, and tells each instance with its next answer, within the heartbeat interval (5 s unless the group says otherwise); an
    /// instance that has not heard of it yet goes on. Whoever starts an instance before all others have ended sees it end too. Where there is no group of several instances, as on
    /// the embedded log, and in a classic group of Kafka, which cannot tell its members, only this instance ends; in the second case the log says so.
    ///
    /// Kafka: the answer `SHUTDOWN_APPLICATION` of an uncaught exception handler.
    public func shutDownApplication() { stops.stopEverywhere() }

    /// Stops processing until `resume`: what was done is committed, nothing more is read, and timers do not fire. Global tables are kept up to date, and `shutDown` works as ever.
    ///
    /// Kafka: `KafkaStreams.pause`.
    public func pause() {
        stops.pause(true)
        move(to: .paused, from: [.running])
    }

    /// Goes on after `pause`. Kafka: `KafkaStreams.resume`.
    public func resume() {
        stops.pause(false)
        move(to: .running, from: [.paused])
    }

    /// Stops gracefully as soon as everything in the topics that the app reads is processed and committed: for programs that are done when their input is.
    public func shutDownWhenIdle() {
        stopsWhenIdle.withLock { $0 = true }
        progress.withLock { $0 }?.stopWhenIdle()
        stops.wakeAll()
    }

    /// Runs the workers until they are told to stop, or fail and may not be started again. On a thread of its own, since all of it blocks.
    private func supervise() throws {
        let restarts = configuration.failures.restarts
        var attempt = 0
        while true {
            let before = processedRecords
            do { return try runWorkers() } catch {
                attempt = processedRecords > before ? 1 : attempt + 1
                let damage = error as? StateDamage
                let error = damage?.error ?? error
                guard !stops.isStoppedByApp, restarts.allows(error, attempt: attempt, stateIsDamaged: damage != nil) else { throw error }
                let delay = restarts.delay(before: attempt)
                if damage != nil {
                    configuration.logger.log(
                        .error, "The local state is damaged; all of it is rebuilt from the changelogs, in this process",
                        ("error", "\(error)"))
                }
                configuration.logger.log(
                    .error, "The app failed and goes on from its last commit", ("attempt", "\(attempt) of \(restarts.attempts)"),
                    ("delay", "\(delay)"), ("error", "\(error)"))
                move(to: .restoring, from: [.running, .paused])
                wait(for: delay)
                guard stops.recover() else { throw error }
            }
        }
    }

    private func wait(for delay: Duration) {
        let moment = Duration.milliseconds(20)
        let nobody = EndOfWorkers(count: 1, threads: backend.threads)
        var rest = delay
        while rest > .zero, !stops.isStoppedByApp {
            _ = nobody.wait(for: min(rest, moment))
            rest -= moment
        }
    }

    /// Prepares topics and state, runs the workers, and waits for them.
    private func runWorkers() throws {
        let work = try AppPreparation(
            topology: topology.plan, configuration: configuration, transport: backend.transport
        ).prepare()
        queries.setTasks(work.tasks)
        let state = try StateDirectory(
            try backend.openState(configuration.applicationID, configuration.memory.database, configuration.logger))
        let outcome = Result {
            try TopologyComparison(configuration: configuration, transport: backend.transport, state: state).run(topology.plan)
            try runWorkers(on: state, work)
        }
        // Closed here and not when the last reference goes, so that the next run can open it as soon as this one has returned.
        let closing = Result { try state.database.close() }
        do { try outcome.get() } catch { throw state.database.isDamaged ? StateDamage(error: error) : error }
        try closing.get()
    }

    private func runWorkers(on state: StateDirectory, _ work: AppPreparation.Work) throws {
        let isShared = backend.transport.sharesTasks
        let committedByAll = { @Sendable [transport = backend.transport, group = configuration.applicationID] in
            let committed = try transport.committedOffsets(of: group, for: work.partitions)
            return Dictionary(work.partitions.map { ($0, committed[$0]?.offset ?? 0) }, uniquingKeysWith: { $1 })
        }
        let progress = AppProgress(
            transport: backend.transport, workers: 0, tasks: isShared ? nil : work.tasks.count,
            committedByAll: isShared ? committedByAll : nil, after: progress.withLock { $0 },
            onSettled: { [weak self] in self?.tasksRun($0) }, onAllIdle: { [weak self] in self?.shutDown() })
        self.progress.withLock { $0 = progress }
        if stopsWhenIdle.withLock({ $0 }) { progress.stopWhenIdle() }
        let crew = WorkerCrew(
            try AppRun(
                configuration: configuration, backend: backend, topology: topology.plan, state: state, stops: stops, progress: progress,
                metrics: board, tasks: work.tasks, subtopologies: work.subtopologies, queries: queries,
                shutDown: { [weak self] in self?.shutDown() }),
            limit: isShared ? .max : max(1, work.tasks.count))
        let threads = self.crew.withLock { current in
            current.crew = crew
            return current.threads ?? configuration.threads
        }
        board.begin(on: state.database)
        defer {
            self.crew.withLock { $0.crew = nil }
            board.end()
        }
        crew.resize(to: threads)
        try crew.waitForEnd { metrics }
    }

    /// Changes how many threads process records, while the app runs or before. Tasks move from one thread to another with their state on disk; nothing is processed twice.
    ///
    /// Threads that become too many commit, give up their tasks, and end; the call does not wait for it. Less than 1 counts as 1; more than there are tasks are of no use.
    ///
    /// Kafka: `addStreamThread` and `removeStreamThread`.
    public func setThreads(_ count: Int) {
        let crew = crew.withLock { current in
            current.threads = max(1, count)
            return current.crew
        }
        crew?.resize(to: max(1, count))
    }

    private func tasksRun(_ all: Bool) {
        if all {
            move(to: stops.isPaused ? .paused : .running, from: [.restoring])
        } else {
            move(to: .restoring, from: [.running])
        }
    }
}

/// What an app is doing. Kafka: `KafkaStreams.State`.
public enum AppState: String, Sendable, Equatable, CaseIterable {
    /// Not started yet.
    case created
    /// Opening topics, or bringing state up to date; tasks whose state is up to date process meanwhile. Again when tasks move.
    case restoring
    /// Processing.
    case running
    /// Told to process nothing for now.
    case paused
    /// Told to stop, and finishing the work at hand.
    case stopping
    /// `run` has returned or thrown.
    case stopped
}

/// An error that came with damage of the local state, which the next run makes anew.
private struct StateDamage: Error {
    let error: any Error
}
