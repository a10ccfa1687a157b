import MillraceCore
import MillracePlan

/// What the workers of one run of an app share.
final class AppRun: Sendable {
    let configuration: StreamsConfiguration
    let backend: StreamsBackend
    let topology: PhysicalTopology
    let state: StateDirectory
    let stops: StopSignal
    let progress: AppProgress
    let metrics: MetricsBoard
    /// Where queries find the tasks.
    let queries: StoreQueries
    let claims: TaskClaims
    let restorer: StateRestorer
    let restores: RestorePool
    /// Shares the tasks out where no group does.
    let localGroup: LocalGroup
    let declaration: GroupDeclaration
    /// Stops the app gracefully.
    let shutDown: @Sendable () -> Void

    init(
        configuration: StreamsConfiguration, backend: StreamsBackend, topology: PhysicalTopology, state: StateDirectory, stops: StopSignal,
        progress: AppProgress, metrics: MetricsBoard, tasks: [TaskID], subtopologies: [GroupDeclaration.Subtopology], queries: StoreQueries,
        shutDown: @escaping @Sendable () -> Void = {}
    ) throws {
        self.configuration = configuration
        self.backend = backend
        self.topology = topology
        self.state = state
        self.stops = stops
        self.progress = progress
        self.metrics = metrics
        self.queries = queries
        self.shutDown = shutDown
        claims = TaskClaims { [stops] in stops.wakeAll() }
        localGroup = LocalGroup(tasks)
        restorer = StateRestorer(
            transport: backend.transport, applicationID: configuration.applicationID, state: state, clock: backend.clock,
            logger: configuration.logger,
            onProgress: { [onRestore = configuration.onRestore] progress in
                metrics.restoring(progress)
                onRestore?(progress)
            })
        let process = try state.processID()
        declaration = GroupDeclaration(
            subtopologies: subtopologies, processID: process, endpoint: configuration.endpoint, tags: configuration.clientTags)
        prefix =
            backend.transport.sharesTasks
            ? "\(configuration.applicationID)-\(String(process.high ^ process.low, radix: 16))" : configuration.applicationID
        restores = RestorePool(
            threads: configuration.restoreThreads, budget: configuration.memory.restoring, backend: backend, restorer: restorer,
            group: configuration.applicationID, sessionName: { [prefix] in "\(prefix)-restore-\($0)" })
    }

    /// What the names of sessions begin with: other than those of other processes that run the app.
    private let prefix: String

    /// The session of a worker, which fences an older one of that worker.
    func openSession(ofWorker number: Int) throws -> any TransportSession {
        try backend.transport.openSession(
            named: "\(prefix)-worker-\(number)", group: configuration.applicationID, guarantee: configuration.guarantee)
    }
}
