/// The seam to where topics live: the embedded log, or a Kafka cluster.
///
/// A transport is shared by all threads. Each worker thread opens a session of its own for reading and for the one atomic commit.
/// All calls may block, so none is made on Swift's cooperative threads.
public protocol Transport: AnyObject, Sendable {
    /// The topic of this name, `nil` when there is none.
    func describeTopic(_ name: String) throws -> TopicDescription?

    /// The names of all topics, sorted.
    func listTopics() throws -> [String]

    /// Creates a topic.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when the name or a setting is not valid, or the topic exists.
    func createTopic(_ topic: TopicSpecification) throws

    /// Deletes the records before the given offsets, for good. Kafka: `deleteRecords`.
    func deleteRecords(before offsets: [TopicPartition: Offset]) throws

    /// The first offset that can be read, and the offset after the last committed record.
    func offsetRange(of partition: TopicPartition) throws -> Range<Offset>

    /// The offsets that `group` committed, for those of `partitions` that have one.
    func committedOffsets(of group: String, for partitions: [TopicPartition]) throws -> [TopicPartition: CommittedOffset]

    /// Whether several processes run one app on this transport and a group shares its tasks out among them. The names of their sessions then say which process they belong to.
    var sharesTasks: Bool { get }

    /// A session for one worker thread.
    ///
    /// - Parameters:
    ///   - name: Unique among the sessions of the app, the same after a restart: whoever opens a session of the same name fences the older one.
    ///   - group: The consumer group whose offsets `commit` moves; the application id.
    func openSession(named name: String, group: String) throws -> any TransportSession

    /// A session whose commits keep this promise; where a commit costs the same either way, the stronger one is kept always.
    func openSession(named name: String, group: String, guarantee: ProcessingGuarantee) throws -> any TransportSession
}

extension Transport {
    public func openSession(named name: String, group: String, guarantee: ProcessingGuarantee) throws -> any TransportSession {
        try openSession(named: name, group: group)
    }
}

/// What a crash may cost. Kafka: `processing.guarantee`.
public enum ProcessingGuarantee: Sendable {
    /// Nothing: outputs, state and offsets become visible together, or not at all.
    case exactlyOnce
    /// Records after the last commit may be processed again, and their outputs repeated.
    ///
    /// On the embedded log a commit costs the same either way, so there this is a promise only: what runs is exactly once.
    case atLeastOnce
}

extension Transport {
    public var sharesTasks: Bool { false }
}

/// What one worker reads with and commits through. Used by one thread at a time, except for `wake`.
public protocol TransportSession: AnyObject {
    /// Reads these partitions from these offsets on, and no others.
    ///
    /// - Throws: `MillraceError` of kind `transport` when an offset lies outside what the partition holds.
    func assign(_ positions: [TopicPartition: Offset]) throws

    /// Stops delivering a partition until it is resumed; its position stays.
    func pause(_ partition: TopicPartition)
    /// Fetches from a paused partition again.
    func resume(_ partition: TopicPartition)

    /// Whole batches of committed records, at least one if any is there, then no more than fit in `maxBytes`.
    ///
    /// Waits up to `timeout` for one, and returns none when it is over or `wake` was called.
    func poll(maxBytes: Int, timeout: Duration) throws -> [FetchedBatches]

    /// Makes a waiting `poll`, or else the next one, return at once. The only call allowed from other threads.
    func wake()

    /// Makes outputs and offsets visible, all of them or, when it throws, none.
    ///
    /// - Parameters:
    ///   - outputs: For each partition complete record batches, encoded one after the other, with CRC, offsets counted from 0. Their base offsets are set here.
    ///   - offsets: For each input partition the offset to go on from.
    /// - Returns: The offset of the first record of each output, in the order of `outputs`.
    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset]) throws -> [Offset]

    /// Takes outputs of the next commit ahead of it, where the session has a better place for them than memory: what one record causes may be more than memory holds.
    ///
    /// They become visible with the next `commit`, in front of its outputs, among which each partition must be that has any here, with no bytes if need be. The offset that `commit`
    /// returns for it is that of the first record staged. The bytes are copied.
    ///
    /// - Returns: `false` when the session takes nothing ahead of a commit, and has taken nothing.
    func stage(_ outputs: [OutputBatches]) throws -> Bool

    /// Gives up what was staged since the last commit.
    func forgetStaged()

    /// Joins the group that shares out the app's tasks among its processes, so that from now on the group says what this session's worker runs, and its commits carry the membership.
    ///
    /// - Returns: `nil` where there is no such group and the app itself shares out its tasks, as on the embedded log.
    func join(_ declaration: GroupDeclaration) throws -> (any GroupMembership)?

    /// Gives up what the session holds; what was not committed is lost. May be called several times.
    func close()
}

extension TransportSession {
    public func join(_ declaration: GroupDeclaration) throws -> (any GroupMembership)? { nil }
    public func stage(_ outputs: [OutputBatches]) throws -> Bool { false }
    public func forgetStaged() {}
}

/// Consecutive record batches of a partition in Kafka's format, as they lie in the log; their CRCs have been checked.
///
/// The first batch may start before the position asked for: offsets tell which records to leave out.
public struct FetchedBatches {
    /// The partition that the batches were read from.
    public var partition: TopicPartition
    /// Valid as long as `owner` lives.
    public var bytes: UnsafeRawBufferPointer
    /// Keeps the memory of `bytes` alive.
    public var owner: AnyObject
    /// Where reading goes on after these.
    public var nextOffset: Offset
    /// The end of the partition's committed records, when this was read.
    public var endOffset: Offset

    /// Batches of one partition, with the offset to go on from and the end of the partition as it is known.
    public init(partition: TopicPartition, bytes: UnsafeRawBufferPointer, owner: AnyObject, nextOffset: Offset, endOffset: Offset) {
        self.partition = partition
        self.bytes = bytes
        self.owner = owner
        self.nextOffset = nextOffset
        self.endOffset = endOffset
    }
}

/// Record batches for one partition, see `TransportSession.commit`.
public struct OutputBatches {
    /// The partition to append to.
    public var partition: TopicPartition
    /// Whole record batches in Kafka's format.
    public var bytes: ByteBuffer
    /// How many records the batches hold.
    public var recordCount: Int

    /// Batches to be appended to a partition.
    public init(partition: TopicPartition, bytes: ByteBuffer, recordCount: Int) {
        self.partition = partition
        self.bytes = bytes
        self.recordCount = recordCount
    }
}

/// Where a consumer group goes on in a partition, and a note of its own beside it. Kafka: `OffsetAndMetadata`.
public struct CommittedOffset: Hashable, Sendable {
    /// The offset of the next record to be processed.
    public var offset: Offset
    /// What the committer noted beside it.
    public var metadata: String

    /// An offset to commit.
    public init(_ offset: Offset, metadata: String = "") {
        self.offset = offset
        self.metadata = metadata
    }
}

/// A topic to create. Settings have Kafka's names and, where absent, Kafka's defaults.
public struct TopicSpecification: Hashable, Sendable {
    /// The topic's name.
    public var name: String
    /// How many partitions it has.
    public var partitions: Int32
    /// Settings by Kafka's names, such as `retention.ms`; the transport's defaults where there are none.
    public var settings: [String: String]

    /// A topic to be created.
    public init(_ name: String, partitions: Int32, settings: [String: String] = [:]) {
        self.name = name
        self.partitions = partitions
        self.settings = settings
    }
}

/// A topic as it is.
public struct TopicDescription: Hashable, Sendable {
    /// The topic's name.
    public var name: String
    /// The topic's UUID: a topic that was deleted and made again has another.
    public var id: TopicID
    /// How many partitions it has.
    public var partitions: Int32
    /// The settings that were given, not the defaults.
    public var settings: [String: String]

    /// What is known of a topic.
    public init(name: String, id: TopicID, partitions: Int32, settings: [String: String]) {
        self.name = name
        self.id = id
        self.partitions = partitions
        self.settings = settings
    }
}

/// Kafka's UUID of a topic: 16 bytes.
public struct TopicID: Hashable, Sendable {
    /// The first 8 bytes of the identifier.
    public var high: UInt64
    /// The last 8 bytes of the identifier.
    public var low: UInt64

    /// An identifier of two halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
