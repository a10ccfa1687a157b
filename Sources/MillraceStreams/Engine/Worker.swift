import MillraceCore
import MillracePlan

/// Owns a thread's tasks: reads for them, runs them, and commits their outputs, state and offsets together.
///
/// Everything under a worker belongs to its thread and needs no lock. Whatever goes wrong ends the worker without a commit, so that the next start goes on from the last one.
final class Worker {
    private let number: Int
    private let configuration: StreamsConfiguration
    private let backend: StreamsBackend
    private let state: StateDirectory
    private let session: any TransportSession
    private let collector: RecordCollector
    private let tasks: [StreamTask]
    private let global: GlobalStateTask
    /// Of the tasks and the global state, to be closed.
    private let contexts: [TaskContext]
    private let topology: PhysicalTopology
    private let stops: StopSignal
    private let progress: AppProgress
    private let queries: QueryDesk
    /// The task that reads a partition.
    private var readers: [TopicPartition: StreamTask] = [:]
    /// Where reading goes on, behind what was handed to tasks.
    private var fetched: [TopicPartition: Offset] = [:]
    private var paused: Set<TopicPartition> = []
    private var idle: TaskIdle
    private var purge: RepartitionPurge
    private let restorer: StateRestorer
    private var topicIDs: [String: TopicID] = [:]
    private var processedSinceCommit = 0
    /// Whether anything was done since the last commit that is worth one.
    private var hasWork = false
    private var isPaused = false
    /// Whether the last round found nothing to do.
    private var wasIdle = false
    private var lastCommit: UInt64 = 0
    private var lastSave: UInt64 = 0
    /// The ends of the changelogs whose last records are not on disk yet.
    private var changelogEnds: [TopicPartition: Offset] = [:]

    init(
        number: Int, tasks ids: [TaskID], topology: PhysicalTopology, configuration: StreamsConfiguration, backend: StreamsBackend,
        state: StateDirectory, stops: StopSignal, progress: AppProgress, queries: StoreQueries
    ) throws {
        self.number = number
        self.topology = topology
        self.configuration = configuration
        self.backend = backend
        self.state = state
        self.stops = stops
        self.progress = progress
        self.queries = QueryDesk(queries, clock: backend.clock)
        let name = "\(configuration.applicationID)-worker-\(number)"
        idle = TaskIdle(limit: configuration.maximumTaskIdle)
        purge = RepartitionPurge(transport: backend.transport, logger: configuration.logger, now: backend.clock.monotonicNanoseconds())
        let restorer = StateRestorer(
            transport: backend.transport, applicationID: configuration.applicationID, state: state, clock: backend.clock,
            logger: configuration.logger, onProgress: configuration.onRestore)
        self.restorer = restorer
        let session = try backend.transport.openSession(named: name, group: configuration.applicationID)
        self.session = session
        let collector = RecordCollector(TransportTopics(backend.transport))
        self.collector = collector
        let now = backend.clock.now()
        var contexts: [TaskContext] = []
        func context(_ id: TaskID) -> TaskContext {
            let context = TaskContext(
                id: id, applicationID: configuration.applicationID, now: now, logger: configuration.logger, collector: collector)
            context.failures = configuration.failures
            contexts.append(context)
            return context
        }
        let globalContext = context(TaskID(subtopology: -1, partition: 0))
        globalContext.failures = configuration.failures.withoutDeadLetters
        // Nobody closes what was opened by an init that throws.
        var isMade = false
        defer {
            if !isMade {
                session.close()
                for context in contexts { context.close() }
            }
        }
        let global = try GlobalStateTask(topology.globalStores, context: globalContext)
        self.global = global
        tasks = try ids.map { id in
            guard let subtopology = topology.subtopologies.first(where: { $0.id == id.subtopology }) else {
                throw MillraceError(.topology, "There is no subtopology \(id.subtopology).", task: id)
            }
            return try StreamTask(
                id: id, subtopology: subtopology, context: context(id), globalStores: global.stores,
                backing: { try restorer.backing(of: $0, task: id) })
        }
        self.contexts = contexts
        isMade = true
    }

    /// Restores the state and finds where to read on; then processes until told to stop.
    func run() throws {
        stops.add(session)
        defer {
            queries.close()
            stops.remove(session)
            session.close()
            for context in contexts { context.close() }
        }
        try restore()
        if stops.isStopping { return }
        try startReading()
        lastCommit = backend.clock.monotonicNanoseconds()
        lastSave = lastCommit
        openQueries()
        try progress.workerIsRunning()
        while !stops.isAbandoned {
            let isStopping = stops.isStopping
            let worked = try step(mayWait: !isStopping)
            if isStopping && !(worked && hasWork) { break }
        }
        if !stops.isAbandoned {
            try commit()
            queries.serve()
        }
    }

    /// Lets the stores be asked, from when they are restored on.
    private func openQueries() {
        queries.mailbox.open(waking: session)
        for task in tasks { queries.open(task.id) { [unowned task] in task.store($0) } }
        queries.open(.global) { [unowned global] in global.stores[$0] }
        // What processors wrote when they were made is not to be seen before it is committed.
        hasWork = tasks.contains { task in task.restorableStores.contains { $0.store.hasUncommittedRows } }
    }

    private func restore() throws {
        for task in tasks { try restorer.restore(task, with: session) { [stops] in stops.isStopping } }
        for topic in global.topics { try fillGlobalStore(from: topic) }
    }

    private func fillGlobalStore(from topic: String) throws {
        var positions: [TopicPartition: Offset] = [:]
        var ends: [TopicPartition: Offset] = [:]
        for partition in 0..<(try partitionCount(of: topic)) {
            let partition = TopicPartition(topic, partition)
            let range = try backend.transport.offsetRange(of: partition)
            positions[partition] = range.lowerBound
            if !range.isEmpty { ends[partition] = range.upperBound }
            fetched[partition] = range.lowerBound
        }
        try session.assign(positions)
        while !ends.isEmpty, !stops.isStopping {
            for batches in try session.poll(maxBytes: 1 << 20, timeout: .milliseconds(100)) {
                try global.apply(batches)
                fetched[batches.partition] = batches.nextOffset
                if let end = ends[batches.partition], batches.nextOffset >= end { ends[batches.partition] = nil }
            }
        }
        try global.forgetChanges()
    }

    private func startReading() throws {
        var starts: [TopicPartition: CommittedOffset] = [:]
        for task in tasks {
            let partitions = task.sourceTopics.map { TopicPartition($0, task.id.partition) }
            let existing = try partitions.filter { $0.partition < (try partitionCount(of: $0.topic)) }
            let committed = try backend.transport.committedOffsets(of: configuration.applicationID, for: existing)
            for partition in existing {
                let range = try backend.transport.offsetRange(of: partition)
                var offset = try committed[partition]?.offset ?? task.startingOffset(of: partition.topic, in: range)
                if offset < range.lowerBound || offset > range.upperBound {
                    let start = try task.startingOffset(of: partition.topic, in: range)
                    configuration.logger.log(
                        .warning, "The committed offset is outside what the topic holds; reading goes on where the source says to start",
                        ("partition", "\(partition)"), ("committed", "\(offset)"), ("start", "\(range.lowerBound)"),
                        ("end", "\(range.upperBound)"),
                        ("next", "\(start)"))
                    offset = start
                }
                // Where reading starts at the end, what comes from now on is the app's, whatever happens before its first commit.
                if committed[partition] == nil, offset > range.lowerBound { starts[partition] = CommittedOffset(offset) }
                task.seek(
                    partition.topic, to: offset, partitionTime: committed[partition].map { PartitionTime.decode($0.metadata) } ?? .none)
                if let metadata = committed[partition]?.metadata { task.context.recall(PartitionTime.decodeProcessors(metadata)) }
                fetched[partition] = offset
                readers[partition] = task
                progress.note(partition, offset)
            }
        }
        if !starts.isEmpty { _ = try session.commit([], offsets: starts) }
        try session.assign(fetched)
    }

    /// One round: read what is there, process a slice, commit if it is time.
    ///
    /// - Returns: Whether anything was processed.
    private func step(mayWait: Bool) throws -> Bool {
        followPause()
        let buffered = tasks.reduce(0) { $0 + $1.bufferedBytes }
        // A round that found nothing to do finds nothing again before something comes, or time has passed, though records may wait for others to compare with.
        if mayWait {
            try read(
                maxBytes: max(1, inputBudget - buffered), timeout: wasIdle && !queries.mailbox.hasQueries ? timeUntilNextTimer() : .zero)
        }
        let now = backend.clock.now()
        var processed = 0
        var worked = false
        for task in tasks where !isPaused {
            task.context.now = now
            processed += try task.process(limit: 4096, outputLimit: storeBudget) { [self] in try canProceed(task, without: $0) }
            if try task.punctuate(now: now) { worked = true }
        }
        processedSinceCommit += processed
        worked = worked || processed > 0
        hasWork = hasWork || worked || hasMoved
        if hasWork, isTimeToCommit(isIdle: !worked) { try commit() }
        if !hasWork, queries.isNeeded { queries.serve() }
        wasIdle = !worked && !hasWork
        if wasIdle, !isPaused { try progress.workerIsIdle() }
        let time = backend.clock.monotonicNanoseconds()
        if purge.isDue(time) { purge.run(now: time, committed: try purgeable()) }
        return worked
    }

    /// While the app is paused, what tasks read is not even fetched; global tables go on.
    private func followPause() {
        guard stops.isPaused != isPaused else { return }
        isPaused.toggle()
        for partition in readers.keys where !paused.contains(partition) {
            if isPaused { session.pause(partition) } else { session.resume(partition) }
        }
    }

    /// Whether a task has come further than was committed without a record being processed, over offsets that hold none.
    private var hasMoved: Bool {
        readers.contains { partition, task in task.position(of: partition.topic) != progress.position(of: partition) }
    }

    /// How far the repartition topics that the worker reads are committed.
    private func purgeable() throws -> [TopicPartition: Offset] {
        let topics = Set(topology.internalTopics.keys.map { "\(configuration.applicationID)-\($0)" })
        let partitions = readers.keys.filter { topics.contains($0.topic) }
        return try backend.transport.committedOffsets(of: configuration.applicationID, for: partitions).mapValues(\.offset)
    }

    private func read(maxBytes: Int, timeout: Duration) throws {
        for batches in try session.poll(maxBytes: min(maxBytes, 1 << 20), timeout: timeout) {
            fetched[batches.partition] = batches.nextOffset
            guard let task = readers[batches.partition] else {
                try global.apply(batches)
                try global.forgetChanges()
                continue
            }
            task.add(batches)
            idle.hasRecords(batches.partition)
            if task.bufferedBytes(of: batches.partition.topic) > partitionBudget {
                session.pause(batches.partition)
                paused.insert(batches.partition)
            }
        }
        for partition in paused where !isPaused && (readers[partition]?.bufferedBytes(of: partition.topic) ?? 0) <= partitionBudget / 2 {
            session.resume(partition)
            paused.remove(partition)
        }
    }

    /// Whether a task may go on although one of its topics has no record to compare times with.
    private func canProceed(_ task: StreamTask, without topic: String) throws -> Bool {
        let partition = TopicPartition(topic, task.id.partition)
        guard idle.limit != nil, let position = fetched[partition] else { return true }
        guard try position >= backend.transport.offsetRange(of: partition).upperBound else { return false }
        return idle.isOver(partition, now: backend.clock.monotonicNanoseconds())
    }

    private func isTimeToCommit(isIdle: Bool) -> Bool {
        if isIdle || tasks.contains(where: { $0.context.commitIsRequested }) { return true }
        let now = backend.clock.monotonicNanoseconds()
        if now - lastCommit >= UInt64(max(0, configuration.commitInterval.milliseconds)) * 1_000_000
            || queries.wantsCommit(since: lastCommit, now: now)
        {
            return true
        }
        return collector.pendingBytes + tasks.reduce(0) { $0 + $1.storeBytes } > storeBudget
    }

    private func commit() throws {
        let start = backend.clock.monotonicNanoseconds()
        defer {
            lastCommit = backend.clock.monotonicNanoseconds()
            queries.noteCommit(took: lastCommit - start)
        }
        let batch = state.database.makeBatch()
        let saves = isTimeToSave
        for task in tasks { try task.prepareCommit(batch: batch, saves: saves) }
        let outputs = try collector.batches()
        var offsets: [TopicPartition: CommittedOffset] = [:]
        let moved = Set(
            readers.filter { partition, task in task.position(of: partition.topic) != progress.position(of: partition) }.values.map(\.id))
        // All partitions of a task together: what is noted beside their offsets is of the whole task, and must be of one moment.
        for (partition, task) in readers where moved.contains(task.id) {
            guard let position = task.position(of: partition.topic) else { continue }
            let metadata = PartitionTime.encode(task.partitionTime(of: partition.topic), task.context.processorMetadata)
            offsets[partition] = CommittedOffset(position, metadata: metadata)
        }
        guard !outputs.isEmpty || !offsets.isEmpty || batch.count > 0 else {
            (processedSinceCommit, hasWork) = (0, false)
            return
        }
        let firsts = try session.commit(outputs, offsets: offsets)
        for (output, first) in zip(outputs, firsts) { changelogEnds[output.partition] = first + Int64(output.recordCount) }
        try notePositions(saves: saves, in: batch)
        if batch.count > 0 { try state.database.write(batch) }
        if saves { lastSave = lastCommit }
        collector.removeAll()
        let limit = configuration.memoryBudget / (2 * max(1, configuration.threads) * max(1, tasks.count))
        for task in tasks { task.trim(to: limit) }
        for (partition, offset) in offsets { progress.note(partition, offset.offset) }
        progress.count(
            processedSinceCommit, dropped: droppedRecords, worker: number)
        (processedSinceCommit, hasWork) = (0, false)
    }

    private var droppedRecords: [DropReason: Int] {
        tasks.reduce(into: global.context.dropped) { $0.merge($1.context.dropped, uniquingKeysWith: +) }
    }

    /// Notes how far along their changelogs the rows are that the batch holds.
    private func notePositions(saves: Bool, in batch: any ByteStoreBatch) throws {
        for task in tasks {
            for entry in task.restorableStores where entry.isPersistent && (saves || !entry.store.canSaveLater) {
                guard let changelog = entry.changelog, let end = try end(of: changelog, entry, task) else { continue }
                let backing = try state.backing(store: entry.planned.stateName, partition: task.id.partition)
                state.setPosition(StateDirectory.Position(offset: end, topic: try topicID(of: changelog)), of: backing, in: batch)
            }
        }
    }

    /// The end of the records of a changelog that a store's rows are made of: those the worker wrote, or those the task read; `nil` when it has not moved.
    private func end(of changelog: String, _ entry: StreamTask.TaskStore, _ task: StreamTask) throws -> Offset? {
        if case .sourceTopic = entry.planned.changelog { return task.position(of: changelog) }
        return changelogEnds.removeValue(forKey: TopicPartition(changelog, task.id.partition))
    }

    /// Whether the rows of all stores are to go to the disk with this commit. Less often than commits, since a row that changes all the time then goes there but once. What a
    /// crash loses of them, some seconds at most besides what the database still had in memory, is read from the changelog again.
    private var isTimeToSave: Bool {
        stops.isStopping || lastCommit - lastSave >= 5_000_000_000 || tasks.reduce(0) { $0 + $1.storeBytes } > storeBudget
    }

    /// Bytes that rows in memory may take.
    private var storeBudget: Int { configuration.memoryBudget / (2 * max(1, configuration.threads)) }

    private func topicID(of topic: String) throws -> TopicID {
        if let id = topicIDs[topic] { return id }
        guard let id = try backend.transport.describeTopic(topic)?.id else {
            throw MillraceError(.transport, "Topic \(topic) has disappeared while the app was running.")
        }
        topicIDs[topic] = id
        return id
    }

    private func partitionCount(of topic: String) throws -> Int32 {
        guard let description = try backend.transport.describeTopic(topic) else {
            throw MillraceError(.transport, "Topic \(topic) does not exist. Create it first.")
        }
        return description.partitions
    }

    private var inputBudget: Int { configuration.memoryBudget / (4 * max(1, configuration.threads)) }
    private var partitionBudget: Int { max(1 << 16, inputBudget / max(1, readers.count)) }

    /// How long nothing needs to be done: until the next punctuation of the time of day, at most a second.
    private func timeUntilNextTimer() -> Duration {
        let now = backend.clock.now()
        let next = tasks.compactMap(\.nextWallClockPunctuation).min() ?? .max
        let wait = idle.timeLeft(now: backend.clock.monotonicNanoseconds()) ?? .max
        return .milliseconds(max(0, min(1000, wait, next.addingClamped(-now.milliseconds))))
    }
}

/// The partition counts of a transport's topics.
final class TransportTopics: TopicDirectory {
    private let transport: any Transport

    init(_ transport: any Transport) {
        self.transport = transport
    }

    func partitionCount(of topic: String) throws -> Int32 {
        guard let description = try transport.describeTopic(topic) else {
            throw MillraceError(.transport, "The app writes to topic \(topic), which does not exist. Create it first.")
        }
        return description.partitions
    }

    func recordLimit(of topic: String) throws -> Int {
        let settings = try transport.describeTopic(topic)?.settings ?? [:]
        // Where the topic compresses it is not known before how long a record will be.
        if let compression = settings["compression.type"], compression != "producer", compression != "uncompressed" { return .max }
        // A batch of one record has a frame of about 100 bytes.
        return max(1, (settings["max.message.bytes"].flatMap { Int($0) } ?? 1_048_588) - 100)
    }
}
