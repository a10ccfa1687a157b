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
    private let stops: StopSignal
    private let progress: AppProgress
    /// The task that reads a partition.
    private var readers: [TopicPartition: StreamTask] = [:]
    /// Where reading goes on, behind what was handed to tasks.
    private var fetched: [TopicPartition: Offset] = [:]
    private var paused: Set<TopicPartition> = []
    /// When a task began to wait for a topic that has nothing.
    private var waitingSince: [TopicPartition: UInt64] = [:]
    private var topicIDs: [String: TopicID] = [:]
    private var processedSinceCommit = 0
    private var lastCommit: UInt64 = 0
    private var lastSave: UInt64 = 0
    /// The ends of the changelogs whose last records are not on disk yet.
    private var changelogEnds: [TopicPartition: Offset] = [:]

    init(
        number: Int, tasks ids: [TaskID], topology: PhysicalTopology, configuration: StreamsConfiguration, backend: StreamsBackend,
        state: StateDirectory, stops: StopSignal, progress: AppProgress
    ) throws {
        self.number = number
        self.configuration = configuration
        self.backend = backend
        self.state = state
        self.stops = stops
        self.progress = progress
        let name = "\(configuration.applicationID)-worker-\(number)"
        session = try backend.transport.openSession(named: name, group: configuration.applicationID)
        let collector = RecordCollector(TransportTopics(backend.transport))
        self.collector = collector
        let now = backend.clock.now()
        func context(_ id: TaskID) -> TaskContext {
            TaskContext(
                id: id, applicationID: configuration.applicationID, now: now, logger: configuration.logger, collector: collector)
        }
        let global = try GlobalStateTask(topology.globalStores, context: context(TaskID(subtopology: -1, partition: 0)))
        self.global = global
        tasks = try ids.map { id in
            guard let subtopology = topology.subtopologies.first(where: { $0.id == id.subtopology }) else {
                throw MillraceError(.topology, "There is no subtopology \(id.subtopology).", task: id)
            }
            let task = try StreamTask(
                id: id, subtopology: subtopology, context: context(id), globalStores: global.stores,
                backing: { try state.backing(store: $0, partition: id.partition) })
            task.failures = configuration.failures
            return task
        }
    }

    /// Restores the state and finds where to read on; then processes until told to stop.
    func run() throws {
        defer { session.close() }
        stops.add(session)
        try restore()
        if stops.isStopping { return }
        try startReading()
        lastCommit = backend.clock.monotonicNanoseconds()
        lastSave = lastCommit
        try progress.workerIsRunning()
        while !stops.isAbandoned {
            let isStopping = stops.isStopping
            let worked = try step(mayWait: !isStopping)
            if isStopping && !worked || isStopping && processedSinceCommit == 0 { break }
        }
        if !stops.isAbandoned { try commit() }
    }

    private func restore() throws {
        let restorer = StateRestorer(
            transport: backend.transport, group: configuration.applicationID, state: state, clock: backend.clock,
            logger: configuration.logger,
            onProgress: configuration.onRestore)
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
        for task in tasks {
            let partitions = task.sourceTopics.map { TopicPartition($0, task.id.partition) }
            let existing = try partitions.filter { $0.partition < (try partitionCount(of: $0.topic)) }
            let committed = try backend.transport.committedOffsets(of: configuration.applicationID, for: existing)
            for partition in existing {
                let range = try backend.transport.offsetRange(of: partition)
                var offset = try committed[partition]?.offset ?? task.startingOffset(of: partition.topic, in: range)
                if offset < range.lowerBound || offset > range.upperBound {
                    configuration.logger.log(
                        .warning, "The committed offset is outside what the topic holds; reading goes on at its start",
                        ("partition", "\(partition)"), ("committed", "\(offset)"), ("start", "\(range.lowerBound)"),
                        ("end", "\(range.upperBound)"))
                    offset = range.lowerBound
                }
                task.seek(
                    partition.topic, to: offset, partitionTime: committed[partition].map { PartitionTime.decode($0.metadata) } ?? .none)
                let processors = committed[partition].map { PartitionTime.decodeProcessors($0.metadata) } ?? [:]
                task.context.processorMetadata.merge(processors, uniquingKeysWith: max)
                fetched[partition] = offset
                readers[partition] = task
                progress.note(partition, offset)
            }
        }
        try session.assign(fetched)
    }

    /// One round: read what is there, process a slice, commit if it is time.
    ///
    /// - Returns: Whether anything was processed.
    private func step(mayWait: Bool) throws -> Bool {
        let buffered = tasks.reduce(0) { $0 + $1.bufferedBytes }
        let isIdle = processedSinceCommit == 0 && !tasks.contains { $0.hasRecords }
        if mayWait { try read(maxBytes: max(1, inputBudget - buffered), timeout: isIdle ? timeUntilNextTimer() : .zero) }
        let now = backend.clock.now()
        var processed = 0
        for task in tasks {
            processed += try task.process(limit: 4096) { [self] in canProceed(task, without: $0) }
            if try task.punctuate(now: now) { processed += 1 }
        }
        processedSinceCommit += processed
        if processedSinceCommit > 0, isTimeToCommit(isIdle: processed == 0) { try commit() }
        if processed == 0 && processedSinceCommit == 0 { try progress.workerIsIdle() }
        return processed > 0
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
            if task.bufferedBytes(of: batches.partition.topic) > partitionBudget {
                session.pause(batches.partition)
                paused.insert(batches.partition)
            }
        }
        for partition in paused where (readers[partition]?.bufferedBytes(of: partition.topic) ?? 0) <= partitionBudget / 2 {
            session.resume(partition)
            paused.remove(partition)
        }
    }

    /// Whether a task may go on although one of its topics has no record to compare times with.
    private func canProceed(_ task: StreamTask, without topic: String) -> Bool {
        guard let idle = configuration.maximumTaskIdle else { return true }
        let partition = TopicPartition(topic, task.id.partition)
        guard let position = fetched[partition], let range = try? backend.transport.offsetRange(of: partition) else { return true }
        guard position >= range.upperBound else { return false }
        if idle == .zero { return true }
        let now = backend.clock.monotonicNanoseconds()
        let since = waitingSince[partition] ?? now
        waitingSince[partition] = since
        if now - since < UInt64(idle.milliseconds) * 1_000_000 { return false }
        waitingSince[partition] = nil
        return true
    }

    private func isTimeToCommit(isIdle: Bool) -> Bool {
        if isIdle || tasks.contains(where: { $0.context.commitIsRequested }) { return true }
        if backend.clock.monotonicNanoseconds() - lastCommit >= UInt64(max(0, configuration.commitInterval.milliseconds)) * 1_000_000 {
            return true
        }
        return collector.pendingBytes + tasks.reduce(0) { $0 + $1.storeBytes } > storeBudget
    }

    private func commit() throws {
        defer { lastCommit = backend.clock.monotonicNanoseconds() }
        let batch = state.database.makeBatch()
        let saves = isTimeToSave
        for task in tasks { try task.prepareCommit(batch: batch, saves: saves) }
        let outputs = try collector.batches()
        var offsets: [TopicPartition: CommittedOffset] = [:]
        for (partition, task) in readers {
            guard let position = task.position(of: partition.topic), progress.position(of: partition) != position else { continue }
            let metadata = PartitionTime.encode(task.partitionTime(of: partition.topic), task.context.processorMetadata)
            offsets[partition] = CommittedOffset(position, metadata: metadata)
        }
        guard !outputs.isEmpty || !offsets.isEmpty || batch.count > 0 else {
            processedSinceCommit = 0
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
            processedSinceCommit, dropped: tasks.reduce(into: [:]) { $0.merge($1.context.dropped, uniquingKeysWith: +) }, worker: number)
        processedSinceCommit = 0
    }

    /// Notes how far along their changelogs the rows are that the batch holds.
    private func notePositions(saves: Bool, in batch: any ByteStoreBatch) throws {
        for task in tasks {
            for entry in task.restorableStores where entry.isPersistent && (saves || !entry.store.canSaveLater) {
                guard let changelog = entry.changelog, let end = end(of: changelog, entry, task) else { continue }
                let backing = try state.backing(store: entry.planned.declaration.name, partition: task.id.partition)
                state.setPosition(StateDirectory.Position(offset: end, topic: try topicID(of: changelog)), of: backing, in: batch)
            }
        }
    }

    /// How far along its changelog a store is after a commit: behind what was just written, or, where that is a topic that the task reads, as far as it has read. `nil`: as before.
    private func end(of changelog: String, _ entry: StreamTask.TaskStore, _ task: StreamTask) -> Offset? {
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
        let next = tasks.compactMap(\.nextWallClockPunctuation).min()
        return .milliseconds(max(0, min(1000, (next ?? .max) - min(now.milliseconds, next ?? .max))))
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
}
