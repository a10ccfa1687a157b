import MillraceCore
import MillracePlan

/// Owns a thread's tasks: reads for them, runs them, and commits their outputs, state and offsets together. Tasks come and go while it runs (`Worker+Tasks.swift`).
///
/// Everything under a worker belongs to its thread and needs no lock; only tasks that are being restored are with a restore thread meanwhile. Whatever goes wrong ends the worker
/// without a commit, so that the next start goes on from the last one. Only in a group it goes on, where the group has put it out or the cluster did not answer: it gives up all it
/// holds, and joins again.
final class Worker {
    let number: Int
    let run: AppRun
    var session: any TransportSession
    var membership: (any GroupMembership)?
    let collector: RecordCollector
    /// What the worker is to hold; `nil` before it was told.
    var assignment: TaskAssignment?
    var held: [TaskID: HeldTask] = [:]
    /// What the group was last told to be held.
    var reported: TaskAssignment?
    /// Whether something held, or still to be held, is on its way to where it belongs.
    var isMoving = true
    /// Whether everything held is where it belongs, and nothing is missing.
    var isInPlace = false
    /// Those that run, in the order of their ids.
    var tasks: [StreamTask] = []
    let global: GlobalStateTask
    let meter: WorkerMeter
    /// Where the stores of the running tasks are asked.
    let queries: QueryDesk
    /// The task that reads a partition.
    var readers: [TopicPartition: StreamTask] = [:]
    /// Where reading goes on, behind what was handed to tasks.
    var fetched: [TopicPartition: Offset] = [:]
    var paused: Set<TopicPartition> = []
    /// Whether the session reads other partitions than it should.
    var needsAssignment = false
    private var idle: TaskIdle
    var idleness: Idleness
    /// Rung by asynchronous calls that have an answer.
    let calls: CallSignal
    private var drain = CommitDrain()
    private var purge: RepartitionPurge
    private var topicIDs: [String: TopicID] = [:]
    private var processedSinceCommit = 0
    /// Bytes of batches that tasks were given since the last commit, or had waiting then.
    private var readSinceCommit = 0
    /// Whether anything was done since the last commit that is worth one.
    var hasWork = false
    private var isPaused = false
    /// Whether the last round found nothing to do.
    private var wasIdle = false
    var lastCommit: UInt64 = 0
    private var saves = SavePace(now: 0)
    var nextReport: UInt64 = 0
    /// With a group, or a cluster, that makes it give up its tasks.
    var patience = RejoinPatience()
    /// Whether the group has been asked to end the app everywhere.
    var hasAskedForEnd = false
    /// The ends of the changelogs whose last records are not on disk yet.
    var changelogEnds: [TopicPartition: Offset] = [:]
    /// Left out by tasks that are gone.
    var droppedBefore: [DropReason: Int] = [:]
    /// How many workers share the memory, as of this round.
    private var workers = 1
    private let isDismissed: @Sendable () -> Bool

    var configuration: StreamsConfiguration { run.configuration }
    var backend: StreamsBackend { run.backend }
    private var stops: StopSignal { run.stops }
    private var progress: AppProgress { run.progress }

    /// - Parameter isDismissed: Whether this worker is to end although the app goes on.
    init(number: Int, of run: AppRun, isDismissed: @escaping @Sendable () -> Bool) throws {
        self.number = number
        self.run = run
        self.isDismissed = isDismissed
        let (configuration, backend) = (run.configuration, run.backend)
        idle = TaskIdle(limit: configuration.maximumTaskIdle, idleness: run.topology.idleness)
        idleness = Idleness(limit: run.topology.idleness)
        calls = CallSignal(clock: backend.clock, isAbandoned: { [stops = run.stops] in stops.isAbandoned })
        purge = RepartitionPurge(transport: backend.transport, logger: configuration.logger, now: backend.clock.monotonicNanoseconds())
        collector = RecordCollector(TransportTopics(backend.transport))
        meter = WorkerMeter(number: number, board: run.metrics, clock: backend.clock, collector: collector)
        let globalContext = TaskContext(
            id: TaskID(subtopology: -1, partition: 0), applicationID: configuration.applicationID, now: backend.clock.now(),
            logger: configuration.logger, collector: collector)
        globalContext.failures = configuration.failures.withoutDeadLetters
        // Nobody closes what was opened by an init that throws.
        var isMade = false
        defer { if !isMade { globalContext.close() } }
        global = try GlobalStateTask(run.topology.globalStores, context: globalContext)
        queries = QueryDesk(run.queries, clock: backend.clock)
        session = try run.openSession(ofWorker: number)
        isMade = true
        collector.stage(above: configuration.memory.outputs / max(1, configuration.threads)) { [unowned self] in try session.stage($0) }
    }

    /// Takes tasks, restores and processes until told to stop.
    func work() throws {
        stops.add(session)
        calls.wake(session)
        meter.isAlive(true)
        defer {
            queries.close()
            meter.isAlive(false)
            giveUpRestores()
            for held in heldInOrder { close(held) }
            global.context.close()
            membership?.leave()
            stops.remove(session)
            calls.close()
            session.close()
        }
        for topic in global.topics { try fillGlobalStore(from: topic) }
        if stops.isStopping { return }
        queries.mailbox.open(waking: session)
        queries.open(.global) { [unowned global] in global.stores[$0] }
        membership = try session.join(run.declaration) ?? run.localGroup.join(as: number)
        needsAssignment = true
        lastCommit = backend.clock.monotonicNanoseconds()
        saves = SavePace(now: lastCommit)
        while !stops.isAbandoned {
            let isStopping = stops.isStopping
            if !isStopping, isDismissed() { break }
            do {
                if !isStopping { try followAssignment() }
                let worked = try step(mayWait: !isStopping)
                if isStopping, !worked, hasCalls { try waitForCalls() }
                if isStopping, !hasCalls, !(worked && hasWork) { break }
            } catch let error as MillraceError where RejoinPatience.allows(error) && run.backend.transport.sharesTasks {
                guard try joinAgain(after: error) else { return }
            } catch let error as MillraceError where error.kind == .cancelled && stops.isAbandoned {
                // Whoever waited for calls was told that nobody wants their results.
                break
            }
        }
        guard !stops.isAbandoned else { return }
        do {
            try commit(saves: true)
            queries.serve()
        } catch let error as MillraceError where error.kind == .fenced && backend.transport.sharesTasks {
            configuration.logger.log(
                .warning, "The group has put this worker out before its last commit; others do that work again", ("worker", "\(number)"),
                ("reason", error.message))
            forgetWork()
        } catch let error as MillraceError where error.kind == .cancelled && stops.isAbandoned {
            // As above.
        }
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

    /// One round: read what is there, process a slice, commit if it is time.
    ///
    /// - Returns: Whether anything was processed.
    private func step(mayWait: Bool) throws -> Bool {
        workers = max(1, progress.workers)
        try assignPartitions()
        followPause()
        let buffered = tasks.reduce(0) { $0 + $1.bufferedBytes }
        // A round that found nothing to do finds nothing again before something comes, or time has passed, though records may wait for others to compare with.
        if mayWait {
            try read(
                maxBytes: max(1, inputBudget - buffered), timeout: wasIdle && !queries.mailbox.hasQueries ? timeUntilNextTimer() : .zero)
        }
        let now = backend.clock.now()
        var processed = 0
        var worked = try deliver()
        // Before any task gets records again, whose calls would have to be waited for.
        if drain.isOn, !hasCalls { try commit() }
        meter.beginSlices()
        for task in tasks where !isPaused {
            guard !isHeld(task, isStopping: !mayWait) else {
                idleness.forget(task.id)
                continue
            }
            task.context.now = now
            let count = try task.process(limit: task.slices.limit, outputLimit: outputBudget) { [self] in try canProceed(task, without: $0)
            }
            if let time = meter.processed(task, count) { task.slices.note(count, took: time) }
            let fired = try task.punctuate(now: now)
            meter.punctuated(task, fired)
            processed += count
            worked = worked || fired
            if run.topology.idleness != nil, try passTime(in: task, hasWorked: count > 0) { worked = true }
        }
        processedSinceCommit += processed
        worked = worked || processed > 0
        hasWork = hasWork || worked || hasMoved
        let hasCalls = self.hasCalls
        if hasWork, isTimeToCommit(isIdle: !worked && !hasCalls) {
            if hasCalls { drain.begin(now: backend.clock.monotonicNanoseconds()) } else { try commit() }
        }
        if !hasWork, queries.isNeeded { queries.serve() }
        wasIdle = !worked && (!hasWork || hasCalls)
        if wasIdle { meter.publish(now: now, global: global) }
        if wasIdle, !isPaused, isInPlace, !hasCalls { try progress.workerIsIdle() }
        let time = backend.clock.monotonicNanoseconds()
        if purge.isDue(time) { purge.run(now: time, committed: try purgeable()) }
        return worked
    }

    /// Whether results of asynchronous calls are still to come.
    private var hasCalls: Bool { tasks.contains { $0.hasStages && $0.context.hasCalls } }

    /// Sends on the results of asynchronous calls that are there.
    private func deliver() throws -> Bool {
        var hasDelivered = false
        for task in tasks where task.hasStages && task.context.hasCalls {
            if try task.deliver() { hasDelivered = true }
        }
        return hasDelivered
    }

    /// Whether a task gets no more records for now, so that all calls come to an end. When the app stops, what it has not begun is left for the next start: calls take long.
    private func isHeld(_ task: StreamTask, isStopping: Bool) -> Bool {
        task.hasStages && (isStopping || drain.isOn)
    }

    private func waitForCalls() throws {
        try calls.wait(isWorking: true, until: tasks.compactMap(\.nextCallDeadline).min())
    }

    /// Waits for all calls and sends their results on: where a commit must come now, as before tasks are given up.
    private func finishCalls() throws {
        while hasCalls {
            if try !deliver() { try waitForCalls() }
        }
    }

    /// Lets the session read what the running tasks read, and the global stores' topics.
    private func assignPartitions() throws {
        guard needsAssignment else { return }
        try session.assign(fetched)
        for partition in isPaused ? Set(readers.keys) : paused { session.pause(partition) }
        needsAssignment = false
        wasIdle = false
    }

    /// While the app is paused, what tasks read is not even fetched; global tables go on.
    private func followPause() {
        guard stops.isPaused != isPaused else { return }
        isPaused.toggle()
        idleness.forget()
        for partition in readers.keys where !paused.contains(partition) {
            if isPaused { session.pause(partition) } else { session.resume(partition) }
        }
    }

    /// Lets time go on in a task that has had nothing to read for long enough.
    private func passTime(in task: StreamTask, hasWorked: Bool) throws -> Bool {
        try idleness.look(at: task, hasWorked: hasWorked || task.context.hasCalls, now: backend.clock.monotonicNanoseconds()) {
            guard !task.hasRecords else { return false }
            return try readers.allSatisfy { partition, reader in
                guard reader === task, let position = fetched[partition] else { return true }
                return try position >= backend.transport.offsetRange(of: partition).upperBound
            }
        }
    }

    /// Whether a task has come further than was committed without a record being processed, over offsets that hold none.
    private var hasMoved: Bool {
        readers.contains { partition, task in task.position(of: partition.topic) != progress.position(of: partition) }
    }

    /// How far the repartition topics that the worker reads are committed.
    private func purgeable() throws -> [TopicPartition: Offset] {
        let topics = Set(run.topology.internalTopics.keys.map { "\(configuration.applicationID)-\($0)" })
        let partitions = readers.keys.filter { topics.contains($0.topic) }
        return try backend.transport.committedOffsets(of: configuration.applicationID, for: partitions).mapValues(\.offset)
    }

    private func read(maxBytes: Int, timeout: Duration) throws {
        for batches in try meter.poll({ try session.poll(maxBytes: min(maxBytes, 1 << 20), timeout: timeout) }) {
            fetched[batches.partition] = batches.nextOffset
            guard let task = readers[batches.partition] else {
                try global.apply(batches)
                try global.forgetChanges()
                continue
            }
            task.add(batches)
            readSinceCommit += batches.bytes.count
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
        if now - lastCommit >= commitPause || queries.wantsCommit(since: lastCommit, now: now) { return true }
        // What a row takes is known when it is written to its changelog. Until then it is taken to be as long as the records that it may come from.
        let consumed = max(0, readSinceCommit - tasks.reduce(0) { $0 + $1.bufferedBytes })
        return collector.hasStaged || collector.pendingBytes > outputBudget || consumed > configuration.memory.read / workers
            || collector.pendingBytes + tasks.reduce(0) { $0 + $1.storeBytes } > storeBudget
    }

    /// How long after a commit the next is due, in nanoseconds.
    private var commitPause: UInt64 {
        max(drain.pause, UInt64(min(max(0, configuration.commitInterval.milliseconds), 1 << 40)) * 1_000_000)
    }

    /// - Parameter saves: Whether the disk is to have all rows afterwards, as before tasks are given up.
    func commit(saves: Bool = false) throws {
        try finishCalls()
        let start = backend.clock.monotonicNanoseconds()
        drain.end(now: start)
        let previous = lastCommit
        defer {
            lastCommit = backend.clock.monotonicNanoseconds()
            queries.noteCommit(took: lastCommit - start, after: start - previous)
        }
        let batch = run.state.database.makeBatch()
        let save = saveKind(isDue: saves)
        meter.beginCommit(
            inputBytes: tasks.reduce(0) { $0 + $1.bufferedBytes }, storeBytes: tasks.reduce(0) { $0 + $1.storeBytes })
        for task in tasks {
            try task.prepareCommit(batch: batch, save: save)
            meter.wroteChangelogs(task)
        }
        let outputs = try collector.batches()
        var offsets: [TopicPartition: CommittedOffset] = [:]
        let moved = Set(
            readers.filter { partition, task in
                task.context.hasPassedTime || task.position(of: partition.topic) != progress.position(of: partition)
            }.values.map(\.id))
        // All partitions of a task together: what is noted beside their offsets is of the whole task, and must be of one moment.
        for (partition, task) in readers where moved.contains(task.id) {
            guard let position = task.position(of: partition.topic) else { continue }
            let metadata = PartitionTime.encode(task.partitionTime(of: partition.topic), task.context.processorMetadata)
            offsets[partition] = CommittedOffset(position, metadata: metadata)
        }
        guard !outputs.isEmpty || !offsets.isEmpty || batch.count > 0 || save == .sorted else {
            (processedSinceCommit, hasWork) = (0, false)
            return
        }
        let firsts = try session.commit(outputs, offsets: offsets)
        for (output, first) in zip(outputs, firsts) { changelogEnds[output.partition] = first + Int64(output.recordCount) }
        try write(batch, save)
        collector.removeAll()
        let limit = storeBudget / max(1, tasks.count)
        for task in tasks {
            task.trim(to: limit)
            task.context.hasPassedTime = false
        }
        for (partition, offset) in offsets { progress.note(partition, offset.offset) }
        progress.count(processedSinceCommit, dropped: droppedRecords, worker: number)
        meter.endCommit(now: backend.clock.now(), global: global)
        (processedSinceCommit, hasWork) = (0, false)
        patience.forget()
        readSinceCommit = tasks.reduce(0) { $0 + $1.bufferedBytes }
    }

    /// Forgets what was done since the last commit.
    func forgetWork() {
        collector.removeAll()
        session.forgetStaged()
        meter.forget()
        changelogEnds = [:]
        drain = CommitDrain()
        (processedSinceCommit, hasWork, wasIdle) = (0, false, false)
    }

    private var droppedRecords: [DropReason: Int] {
        tasks.reduce(into: global.context.dropped.merging(droppedBefore, uniquingKeysWith: +)) {
            $0.merge($1.context.dropped, uniquingKeysWith: +)
        }
    }

    /// Brings the rows of a commit to the disk, with how far along their changelogs they are.
    private func write(_ batch: any ByteStoreBatch, _ save: SaveKind) throws {
        let start = backend.clock.monotonicNanoseconds()
        var sorted: [SortedSave.Part] = []
        for task in tasks {
            for entry in task.restorableStores where entry.isPersistent {
                let usesBatch = save.usesBatch(entry.store)
                guard usesBatch || save == .sorted else { continue }
                let backing = try run.state.backing(store: entry.planned.stateName, partition: task.id.partition)
                let position = try entry.changelog.flatMap { changelog in
                    try end(of: changelog, entry, task).map { StateDirectory.Position(offset: $0, topic: try topicID(of: changelog)) }
                }
                if !usesBatch {
                    sorted.append(SortedSave.Part(store: entry.store, backing: backing, position: position))
                } else if let position {
                    run.state.setPosition(position, of: backing, in: batch)
                }
            }
        }
        if !sorted.isEmpty { try SortedSave(parts: sorted).write(to: run.state.database, batch) }
        if batch.count > 0 { try run.state.database.write(batch) }
        if save != .none { saves.note(from: start, to: backend.clock.monotonicNanoseconds()) }
    }

    /// The end of the records of a changelog that a store's rows are made of: those the worker wrote, or those the task read; `nil` when it has not moved.
    private func end(of changelog: String, _ entry: StreamTask.TaskStore, _ task: StreamTask) throws -> Offset? {
        if case .sourceTopic = entry.planned.changelog { return task.position(of: changelog) }
        return changelogEnds.removeValue(forKey: TopicPartition(changelog, task.id.partition))
    }

    /// How the rows of all stores go to the disk with this commit, if they do.
    private func saveKind(isDue: Bool) -> SaveKind {
        guard isDue || saves.isDue(at: lastCommit) || tasks.reduce(0, { $0 + $1.storeBytes }) > storeBudget else { return .none }
        return SaveKind(unsavedBytes: tasks.reduce(0) { $0 + $1.unsavedBytes }, leastSorted: configuration.memory.leastSorted)
    }

    /// Bytes of outputs that make a commit come early. A record may cause more at once, which is then staged.
    private var outputBudget: Int { configuration.memory.outputs / (2 * workers) }

    /// Bytes that rows in memory and what waits for the commit may take.
    private var storeBudget: Int { configuration.memory.work / workers }

    private func topicID(of topic: String) throws -> TopicID {
        if let id = topicIDs[topic] { return id }
        guard let id = try backend.transport.describeTopic(topic)?.id else {
            throw MillraceError(.transport, "Topic \(topic) has disappeared while the app was running.")
        }
        topicIDs[topic] = id
        return id
    }

    func partitionCount(of topic: String) throws -> Int32 {
        guard let description = try backend.transport.describeTopic(topic) else {
            throw MillraceError(.transport, "Topic \(topic) does not exist. Create it first.")
        }
        return description.partitions
    }

    private var inputBudget: Int { configuration.memory.input / workers }
    private var partitionBudget: Int { max(1 << 16, inputBudget / max(1, readers.count)) }

    /// How long nothing needs to be done: until the next punctuation of the time of day, at most a second.
    private func timeUntilNextTimer() -> Duration {
        let now = backend.clock.now()
        let next = tasks.compactMap(\.nextWallClockPunctuation).min() ?? .max
        let monotonic = backend.clock.monotonicNanoseconds()
        let wait = min(idle.timeLeft(now: monotonic) ?? .max, idleness.timeLeft(now: monotonic) ?? .max, callTimeLeft(monotonic))
        return .milliseconds(max(0, min(1000, wait, next.addingClamped(-now.milliseconds))))
    }
}

extension Worker {
    /// Milliseconds until a call, or a commit behind calls, is to be looked after.
    fileprivate func callTimeLeft(_ now: UInt64) -> Int64 {
        guard hasCalls else { return .max }
        var next = drain.isOn ? UInt64.max : lastCommit &+ commitPause
        for task in tasks { next = min(next, task.nextCallDeadline ?? .max) }
        return next == .max ? .max : next <= now ? 0 : Int64((next - now) / 1_000_000) + 1
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
