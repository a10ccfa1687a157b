import MillraceCore

/// How an app runs. Everything has a default but the id.
public struct StreamsConfiguration: Sendable {
    /// The name of the app: of its consumer group, and the first part of the names of its internal topics. Kafka: `application.id`.
    public var applicationID: String
    /// How many threads process records at first, see `StreamsApp.setThreads`. More than there are tasks are of no use. Kafka: `num.stream.threads`.
    public var threads = 1
    /// How many threads restore state, while others process. They exist only as long as there is something to restore, or to keep warm.
    public var restoreThreads = 2
    /// What a crash may cost. Kafka: `processing.guarantee`.
    public var guarantee = ProcessingGuarantee.exactlyOnce
    /// The longest time between two commits; when nothing is left to do there is one at once. Kafka: `commit.interval.ms`.
    public var commitInterval = Duration.milliseconds(100)
    /// How long to wait for a topic that has nothing when others have: `nil` never waits, zero waits for what is there to be read already, more waits for producers too.
    /// Kafka: `max.task.idle.ms`.
    public var maximumTaskIdle: Duration? = .zero
    /// Bytes that the app may take in all: for records that wait to be processed, uncommitted outputs, rows kept in memory, and the database's cache and write buffers. Reaching it
    /// slows reading, commits early, or sends outputs to the disk ahead of their commit; it never changes results. A single row counts as it is, however long, and stores in memory
    /// take what they take.
    public var memoryBudget = 256 << 20
    /// How much longer than its store a windowed changelog keeps rows. Topics forget by the time of day, stores by the time of the records: an app that works through records of
    /// the past needs more, or what its windows hold is gone from the changelog when the state directory is lost. Takes effect when the topic is made.
    /// Kafka: `windowstore.changelog.additional.retention.ms`.
    public var windowChangelogAdditionalRetention = Duration.seconds(24 * 3600)
    /// Settings of the topics that the app makes for itself, beyond the necessary ones, by Kafka's names: `["max.message.bytes": "10485760"]`. Kafka: the prefix `topic.`.
    public var internalTopicSettings: [String: String] = [:]
    /// Where the app answers queries, as `host:port`, for the other members of its group; `nil` when nowhere. Kafka: `application.server`.
    public var endpoint: String?
    /// What is said of this instance to the group, such as its rack, by name: standbys are placed by it. Kafka: the prefix `client.tag.`.
    public var clientTags: [String: String] = [:]
    /// How long local state of tasks that are elsewhere now, or of stores that the program has no more, is kept in case they come back. Kafka: `state.cleanup.delay.ms`.
    public var stateCleanupDelay = Duration.seconds(600)
    /// What happens to records that cannot be read or that a closure threw for.
    public var failures = FailurePolicies()
    /// Where the app says what it does.
    public var logger = MillraceLogger.silent
    /// Called with each new state of the app, on the thread that brought it about; it should return soon.
    public var onStateChange: (@Sendable (AppState) -> Void)?
    /// Called with the progress of restoring state, about once a second and at the end.
    public var onRestore: (@Sendable (RestoreProgress) -> Void)?
    /// How often the app says, in one line at level `info`, how it is: records a second, lag, latency, commit time, records to restore, dropped records, memory. `nil` is never.
    public var reportInterval: Duration? = .seconds(60)
    /// Called with the app's metrics as often as it reports, and once at its end: where systems that are fed take them, see `docs/metrics.md`. On a thread of the app that no record
    /// waits for; it should return soon all the same.
    public var onMetrics: (@Sendable (AppMetrics) -> Void)?
    /// Told of each record that is processed, for distributed tracing; `nil`, which costs nothing, leaves the trace headers of records as they are.
    public var tracer: RecordTracer?

    var memory: MemoryShares { MemoryShares(budget: memoryBudget) }

    /// A configuration with every default.
    public init(applicationID: String) {
        self.applicationID = applicationID
    }
}

/// How far restoring the state of an app is.
public struct RestoreProgress: Sendable {
    /// The store that is being restored.
    public var store: String
    /// The task that the store belongs to.
    public var task: TaskID
    /// Records taken from the changelog so far, and how many there are to take.
    public var restored: Int64
    /// Records that were in the changelog when restoring began.
    public var total: Int64
    /// Since the start of this store's restoring.
    public var elapsed: Duration
    /// Why the store had to be rebuilt from the start; `nil` where only the last moments were missing.
    public var reason: String?

    /// The rate so far; 0 before any time has passed.
    public var recordsPerSecond: Double {
        let seconds = Double(elapsed.milliseconds) / 1000
        return seconds > 0 ? Double(restored) / seconds : 0
    }

    /// Guessed from the rate so far; `nil` before there is one.
    public var timeLeft: Duration? {
        recordsPerSecond > 0 ? .milliseconds(Int64(Double(total - restored) / recordsPerSecond * 1000)) : nil
    }

    /// Whether everything is restored.
    public var isComplete: Bool { restored >= total }
}
