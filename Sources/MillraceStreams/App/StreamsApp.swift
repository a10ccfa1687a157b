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

    /// Runs until it is shut down. An app runs once.
    ///
    /// - Throws: `MillraceError` when the app cannot start, or fails; `CancellationError` when its task was cancelled.
    public func run() async throws {
        guard
            currentState.withLock({ state in
                defer { state = .restoring }
                return state == .created
            })
        else {
            throw MillraceError(.configuration, "This app has been run already. Make another StreamsApp to run it again.")
        }
        configuration.onStateChange?(.restoring)
        defer { move(to: .stopped, from: [.restoring, .running, .paused, .stopping]) }
        let finished = Finish()
        let supervisor: @Sendable () -> Void = { finished.complete(Result { try self.supervise() }) }
        let result = try await withTaskCancellationHandler {
            try WorkerThread.start(supervisor)
            return await finished.result()
        } onCancel: {
            self.stops.abandon()
        }
        try result.get()
        try Task.checkCancellation()
    }

    /// Stops gracefully: no more records are read, those at hand are processed and committed, and `run` returns. May be called from anywhere, several times.
    public func shutDown() {
        stops.stop()
        move(to: .stopping, from: [.restoring, .running, .paused])
    }

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
                guard !stops.isStoppedByApp, restarts.allows(error, attempt: attempt) else { throw error }
                let delay = restarts.delay(before: attempt)
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
        let nobody = EndOfWorkers(count: 1)
        var rest = delay
        while rest > .zero, !stops.isStoppedByApp {
            _ = nobody.wait(for: min(rest, moment))
            rest -= moment
        }
    }

    /// Prepares topics and state, runs the workers, and waits for them.
    private func runWorkers() throws {
        let assignment = try AppPreparation(
            topology: topology.plan, configuration: configuration, transport: backend.transport
        ).prepare()
        queries.setTasks(assignment)
        let state = try StateDirectory(try backend.openState(configuration.applicationID, configuration.logger))
        let workers = min(max(1, configuration.threads), max(1, assignment.count))
        let progress = AppProgress(
            transport: backend.transport, workers: workers, after: progress.withLock { $0 },
            onAllRunning: { [weak self] in self?.allAreRunning() }, onAllIdle: { [weak self] in self?.shutDown() })
        self.progress.withLock { $0 = progress }
        if stopsWhenIdle.withLock({ $0 }) { progress.stopWhenIdle() }
        let ended = EndOfWorkers(count: workers)
        for number in 0..<workers {
            let ids = assignment.enumerated().filter { $0.offset % workers == number }.map(\.element)
            let work: @Sendable () throws -> Void = { [self] in
                try Worker(
                    number: number, tasks: ids, topology: topology.plan, configuration: configuration, backend: backend, state: state,
                    stops: stops, progress: progress, queries: queries
                ).run()
            }
            do {
                try WorkerThread.start { [stops] in ended.note(Result { try work() }, orElse: stops.fail) }
            } catch {
                // Those that were started must be gone before anybody else may use their state.
                for _ in number..<workers { ended.note(.failure(error), orElse: stops.fail) }
                break
            }
        }
        let outcome = Result {
            try flushUntil(ended, state)
            if let error = ended.firstError { throw error }
        }
        // Closed here and not when the last reference goes, so that the next run can open it as soon as this one has returned.
        let closing = Result { try state.database.close() }
        try outcome.get()
        try closing.get()
    }

    private func allAreRunning() {
        move(to: stops.isPaused ? .paused : .running, from: [.restoring])
    }

    /// Waits for the workers; meanwhile brings their state to disk now and then, so that a crash costs a short replay even where little is written.
    private func flushUntil(_ ended: EndOfWorkers, _ state: StateDirectory) throws {
        while !ended.wait(for: .seconds(10)) {
            do { try state.database.flush() } catch {
                stops.fail()
                ended.waitForAll()
                throw error
            }
        }
    }
}

/// What an app is doing. Kafka: `KafkaStreams.State`.
public enum AppState: Sendable, Equatable {
    /// Not started yet.
    case created
    /// Opening topics and bringing its state up to date.
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
