import MillraceCore

/// What the nodes of a task share: time, the record at hand, stores, outputs, counters. Belongs to the worker that runs the task and is never used by two threads at once.
public final class TaskContext {
    /// The task.
    public let id: TaskID
    /// The application id: the prefix of internal topics.
    public let applicationID: String
    /// The highest timestamp of the records that the task has processed; `.none` before the first.
    // Fields that change with every record go without exclusivity checks: they are numbers and values that no call holds on to.
    @exclusivity(unchecked) public internal(set) var streamTime: Timestamp = .none
    /// The time of day, as of the last time the worker looked.
    @exclusivity(unchecked) public internal(set) var now: Timestamp
    /// The time of the record at the node at hand: what a store notes for a write that does not say.
    @exclusivity(unchecked) public internal(set) var timestamp: Timestamp = .none
    /// The headers of the record at the node at hand.
    @exclusivity(unchecked) public internal(set) var headers = Headers()
    let logger: MillraceLogger
    package let collector: RecordCollector
    var stores: [String: any StateStore] = [:]
    @exclusivity(unchecked) var streamTimePunctuations = PunctuationQueue()
    var wallClockPunctuations = PunctuationQueue()
    /// What nodes scheduled while they were assembled, which is sinks first; `nil` afterwards.
    private var firstPunctuations: [Punctuation]? = []
    /// Nodes whose results come later.
    var stages: [any AsyncStage] = []
    /// By which asynchronous calls are waited for; `nil` where there can be none.
    package var callSignal: CallSignal?
    /// Whether a stage can take no more, so that the task has to wait.
    @exclusivity(unchecked) var isFull = false
    /// The record at hand as it was read, where a stage may need it for a dead letter.
    @exclusivity(unchecked) var input: FailedRecord = .none
    /// What nodes do when time goes on without a record, parents first once the task is made.
    private(set) var idleActions: [(node: String, action: (Timestamp) throws -> Void)] = []
    /// Whether time went on without a record since the last commit: offsets have not moved then, but what is noted beside them has.
    @exclusivity(unchecked) var hasPassedTime = false
    /// Times that nodes remember beyond a restart, by store: until when closed windows were sent. They travel in the metadata of committed offsets, as in Kafka Streams.
    @usableFromInline package var processorMetadata: [String: Int64] = [:]
    /// What nodes know of time besides, by name.
    private var observedTimes: [String: ObservedTime] = [:]
    /// What happens to records that fail or are left out; to stop, unless told otherwise.
    package var failures = FailurePolicies()
    /// Told of each record, if anybody is.
    package var tracer: RecordTracer?
    /// Why the record at hand goes to dead-letter topics, although its processing goes on.
    @exclusivity(unchecked) var pendingLetters: [PendingLetter] = []
    /// Set when a processor asks for an early commit.
    @exclusivity(unchecked) var commitIsRequested = false
    /// How many records were left out for each reason: there are few, and each is found sooner by looking than by hashing its name.
    @exclusivity(unchecked) private var drops: ContiguousArray<(reason: DropReason, count: Int)> = []
    package var dropped: [DropReason: Int] { Dictionary(uniqueKeysWithValues: drops.map { ($0.reason, $0.count) }) }
    /// Of `dropped`, what was published.
    private var publishedDrops: [DropReason: Int] = [:]
    let meter = TaskMeter()
    @exclusivity(unchecked) var sourceTopic: String?
    @exclusivity(unchecked) var sourceOffset: Offset = -1

    package init(
        id: TaskID, applicationID: String, now: Timestamp, logger: MillraceLogger, collector: RecordCollector
    ) {
        self.id = id
        self.applicationID = applicationID
        self.now = now
        self.logger = logger
        self.collector = collector
    }

    /// The full name of a topic of the app's own.
    package func internalTopic(_ name: String) -> String { "\(applicationID)-\(name)" }

    /// Where the record at hand was read; `nil` in a punctuation.
    public var recordMetadata: RecordMetadata? {
        sourceTopic.map { RecordMetadata(topic: $0, partition: id.partition, offset: sourceOffset) }
    }

    /// The store of this name.
    ///
    /// - Throws: `MillraceError` of kind `topology` when the task has no such store, or it holds other types.
    @usableFromInline
    func store<Store: StateStore>(_ name: String, as type: Store.Type = Store.self) throws -> Store {
        guard let store = stores[name] else {
            throw MillraceError(
                .topology, "There is no store \"\(name)\" in task \(id). Connect it to the processor that asks for it.", task: id)
        }
        guard let typed = store as? Store else {
            throw MillraceError(.topology, "Store \"\(name)\" is a \(Swift.type(of: store)), not a \(Store.self).", task: id)
        }
        return typed
    }

    func schedule(_ punctuation: Punctuation) {
        if firstPunctuations != nil {
            firstPunctuations?.append(punctuation)
        } else if punctuation.time == .stream {
            streamTimePunctuations.add(punctuation)
        } else {
            wallClockPunctuations.add(punctuation)
        }
    }

    /// When the next punctuation of a clock is due; behind the end of time when there is none.
    func nextPunctuation(_ clock: PunctuationTime) -> Int64 {
        (clock == .stream ? streamTimePunctuations.nextTime : wallClockPunctuations.nextTime) ?? .max
    }

    /// Takes the next punctuation of a clock out if it is due.
    func takePunctuation(_ clock: PunctuationTime, dueAt now: Int64) -> Punctuation? {
        clock == .stream ? streamTimePunctuations.removeNext(dueAt: now) : wallClockPunctuations.removeNext(dueAt: now)
    }

    /// Puts the punctuations that were scheduled so far into the order of their nodes, in which Kafka Streams schedules them.
    func startPunctuations(orderOf nodes: [String]) {
        let places = Dictionary(nodes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let scheduled = firstPunctuations ?? []
        firstPunctuations = nil
        // The sort is stable: those of one node stay in the order of its calls.
        for punctuation in scheduled.sorted(by: { places[$0.node] ?? 0 < places[$1.node] ?? 0 }) { schedule(punctuation) }
        idleActions.sort { places[$0.node] ?? 0 < places[$1.node] ?? 0 }
    }

    func whenIdle(_ node: String, _ action: @escaping (Timestamp) throws -> Void) {
        idleActions.append((node, action))
    }

    /// How far stream time has come without a record: remembered, as the highest timestamps of records are.
    var idleTime: ObservedTime { observedTime(of: "without records") }

    /// Goes on at a stream time that an earlier run had reached.
    func resume(at time: Timestamp) {
        guard time > streamTime, time.milliseconds >= 0 else { return }
        streamTime = time
        streamTimePunctuations.pass(time)
    }

    /// The time of the node, or the store, of this name: the same for all who ask.
    @usableFromInline
    func observedTime(of name: String) -> ObservedTime {
        let name = "time/" + name
        if let time = observedTimes[name] { return time }
        let time = ObservedTime()
        observedTimes[name] = time
        return time
    }

    /// Notes the times of nodes, for the metadata of the offsets that are committed next.
    func noteTimes() {
        for (name, time) in observedTimes { processorMetadata[name] = time.value >= 0 ? time.value : nil }
    }

    /// Takes up what an earlier run noted.
    func recall(_ metadata: [String: Int64]) {
        processorMetadata.merge(metadata, uniquingKeysWith: max)
        let idleTime = idleTime
        for (name, time) in observedTimes { time.advance(to: processorMetadata[name] ?? -1) }
        resume(at: Timestamp(milliseconds: idleTime.value))
    }

    /// Lets go of everything: stores and timers, which know the task, would otherwise keep it and themselves, and with them the state directory.
    package func close() {
        stores = [:]
        streamTimePunctuations = PunctuationQueue()
        wallClockPunctuations = PunctuationQueue()
        firstPunctuations = nil
        idleActions = []
        for stage in stages { stage.cancel() }
        stages = []
    }

    /// Takes note of the time of a record that is about to be processed.
    func note(_ time: Timestamp) {
        let past = min(time.milliseconds, now.milliseconds)
        meter.processed(1, sumOfTimes: past, oldest: past)
        if time > streamTime {
            streamTime = time
        } else if time < streamTime {
            meter.late(by: streamTime.milliseconds - time.milliseconds)
        }
    }

    /// Moves what was counted since the last call to `metrics`.
    ///
    /// - Parameter now: The time of the commit.
    func takeCounts(into metrics: inout TaskMetrics, now: Timestamp) -> TaskMetrics.Times {
        let times = meter.take(now: now)
        (metrics.lateness, metrics.latency) = (times.lateness, times.latency)
        (metrics.streamTimePunctuations, metrics.wallClockPunctuations) = (meter.streamTimePunctuations, meter.wallClockPunctuations)
        (meter.streamTimePunctuations, meter.wallClockPunctuations) = (0, 0)
        metrics.deadLettered = meter.deadLettered
        meter.deadLettered = [:]
        let dropped = dropped
        if dropped != publishedDrops {
            for (reason, count) in dropped { metrics.dropped[reason] = count - publishedDrops[reason, default: 0] }
            metrics.dropped = metrics.dropped.filter { $0.value > 0 }
            publishedDrops = dropped
        }
        return times
    }

    /// Counts a record that is left out, and tells of the first one of its kind.
    func drop(_ reason: DropReason, at node: String, because error: MillraceError? = nil) {
        if let topic = failures.deadLetterTopic(for: reason), !pendingLetters.contains(where: { $0.reason == reason }) {
            pendingLetters.append(PendingLetter(reason: reason, topic: topic, error: error, node: node))
        }
        for index in drops.indices where drops[index].reason == reason {
            drops[index].count += 1
            return
        }
        drops.append((reason, 1))
        tellOfDrop(reason, at: node, because: error)
    }

    /// Tells of the first record of its kind that is left out.
    private func tellOfDrop(_ reason: DropReason, at node: String, because error: MillraceError?) {
        logger.log(
            .warning, "A record is left out; further ones for the same reason are only counted", ("reason", reason.rawValue),
            ("node", node), ("task", "\(id)"),
            ("record", recordMetadata.map { "\($0.topic)-\($0.partition) at offset \($0.offset)" } ?? "none"),
            ("error", error.map { "\($0.message)\($0.cause.map { " \($0)" } ?? "")" } ?? "none"))
    }

    /// Runs `body` as the node that handles a record of this time and these headers, so that its stores note them.
    @inlinable
    func handling<Result>(_ timestamp: Timestamp, _ headers: Headers, _ body: () throws -> Result) rethrows -> Result {
        let (outerTimestamp, outerHeaders) = (self.timestamp, self.headers)
        set(timestamp, headers)
        defer { set(outerTimestamp, outerHeaders) }
        return try body()
    }

    @usableFromInline
    func set(_ timestamp: Timestamp, _ headers: Headers) {
        self.timestamp = timestamp
        self.headers = headers
    }
}

/// How many partitions topics have.
package protocol TopicDirectory: AnyObject {
    /// - Throws: `MillraceError` of kind `transport` when there is no such topic.
    func partitionCount(of topic: String) throws -> Int32
    /// How many bytes of keys, values and headers a record, or a batch of them, may have.
    func recordLimit(of topic: String) throws -> Int
}

extension TopicDirectory {
    package func recordLimit(of topic: String) -> Int { .max }
}
