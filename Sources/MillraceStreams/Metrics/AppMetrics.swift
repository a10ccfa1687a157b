import MillraceCore

/// What an app has done so far and how it is, at one moment. Numbers that grow count from the start of `run`, through restarts after failures.
///
/// Workers publish what they have counted when they commit, and once a second when there is nothing to do: the numbers are at most one commit interval old, and only of what was
/// committed. `families` has the same with the documented names, for monitoring systems.
///
/// Kafka: `KafkaStreams.metrics()`.
public struct AppMetrics: Sendable {
    /// The app.
    public var applicationID: String
    /// What the app is doing.
    public var state: AppState
    /// How often the app failed and went on from its last commit. Kafka: `failed-stream-threads`.
    public var restarts: Int
    /// How many threads are to process records.
    public var threads: Int
    /// The threads that process records, or did, by number.
    public var workers: [WorkerMetrics]
    /// The tasks that have done anything, in order.
    public var tasks: [TaskMetrics]
    /// The partitions that the app reads, internal ones too, in order.
    public var inputs: [PartitionMetrics]
    /// The stores of the tasks, in order.
    public var stores: [StoreMetrics]
    /// The stores that were restored from their changelogs, or are being restored, in order.
    public var restores: [RestoreProgress]
    /// What the app takes of memory.
    public var memory: MemoryMetrics

    /// Records processed and committed, those of internal topics too.
    public var processedRecords: Int { tasks.reduce(0) { $0 + $1.processed } }

    /// Records left out, by reason.
    public var droppedRecords: [DropReason: Int] {
        tasks.reduce(into: [:]) { $0.merge($1.dropped, uniquingKeysWith: +) }
    }

    /// Records that wait in the topics that the app reads; `nil` while the end of one of them is not known.
    public var lag: Int64? { inputs.reduce(0) { sum, input in sum.flatMap { sum in input.lag.map { sum + $0 } } } }

    /// Records that are still to be taken from changelogs.
    public var recordsToRestore: Int64 { restores.reduce(0) { $0 + max(0, $1.total - $1.restored) } }
}

/// What a thread that processes records has done.
public struct WorkerMetrics: Sendable {
    /// The thread's number, from 0.
    public var number: Int
    /// Whether it runs: `false` before its start and after its end. Kafka: `alive-stream-threads`.
    public var isAlive = false
    /// Calls for records, with the time each took, waiting included. Kafka: `poll-rate`, `poll-latency-avg`.
    public var polls = MetricHistogram(.microseconds)
    /// Commits that had something to commit, with the time each took. Kafka: `commit-rate`, `commit-latency-avg`.
    public var commits = MetricHistogram(.microseconds)

    init(number: Int) {
        self.number = number
    }
}

/// A partition that an app reads.
public struct PartitionMetrics: Sendable {
    /// The partition.
    public var partition: TopicPartition
    /// The offset that the app goes on from after a crash.
    public var committed: Offset
    /// The offset after the last record in the partition; `nil` while nobody can tell it, as when the partition has no leader.
    public var end: Offset?
    /// Offsets from one to the other: records, where the topic has no holes. Kafka: `records-lag`.
    public var lag: Int64? { end.map { max(0, $0.value - committed.value) } }
}

/// A store of a task.
public struct StoreMetrics: Sendable {
    /// The store's name.
    public var store: String
    /// The task that it belongs to.
    public var task: TaskID
    /// Rows in memory, committed or not, with what finds them. Kafka's counterpart is the record cache.
    public var memoryBytes: Int
    /// Roughly what its rows take on disk, compressed; those of the last seconds may be missing. 0 for stores in memory.
    public var diskBytes: UInt64
    /// A guess from its share of the database, good to an order of magnitude; `nil` for stores in memory. Kafka: `estimate-num-keys`.
    public var rows: UInt64?
}

/// What an app takes of memory, in bytes.
public struct MemoryMetrics: Sendable {
    /// `StreamsConfiguration.memoryBudget`: for the three below and the database together, unless the backend was given memory for the database by itself.
    public var budget = 0
    /// Records that wait to be processed. Kafka: `input-buffer-bytes-total`.
    public var inputBytes = 0
    /// Outputs and changelog records of the last commit: what waited when it began.
    public var outputBytes = 0
    /// Rows of stores in memory. Kafka: `cache-size-bytes-total`.
    public var storeBytes = 0
    /// What the database under the stores takes: up to a quarter of the budget, unless the backend was given other memory for it.
    public var database = ByteStoreUsage()
    /// Physical memory of the whole process; `nil` where the system does not tell.
    public var processBytes: Int?

    /// What counts against the budget beside the database.
    public var usedBytes: Int { inputBytes + outputBytes + storeBytes }
}
