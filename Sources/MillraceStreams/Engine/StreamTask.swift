import MillraceCore
import MillraceFormats
import MillracePlan

/// One subtopology for one partition: the unit of work, state and recovery.
///
/// Purely synchronous and free of clocks and I/O of its own: it is given batches of records and the time, and fills outputs and stores. The same input gives the same bytes.
package final class StreamTask {
    package let id: TaskID
    package let context: TaskContext
    private var queues: [RecordQueue] = []
    private let stores: [TaskStore]
    private let subtopology: Subtopology
    /// How much its worker lets it do at a time. It looks at no clock itself.
    var slices = SlicePace()

    /// A store of the task and the topic that its changes go to.
    package struct TaskStore {
        package let store: any StateStore
        package let planned: PlannedStore
        /// The full name of the changelog; `nil` without one.
        package let changelog: String?
        package let isPersistent: Bool
    }

    /// A task with its stores, which can be restored. It has no nodes before `assemble`.
    package init(
        id: TaskID, subtopology: Subtopology, context: TaskContext, globalStores: [String: any StateStore],
        backing: (PlannedStore) throws -> Backing?
    ) throws {
        self.id = id
        self.context = context
        self.subtopology = subtopology
        context.stores = globalStores
        stores = try subtopology.stores.map { planned in
            guard let payload = planned.declaration.payload as? StorePayload else {
                throw MillraceError(.topology, "Store \(planned.declaration.name) was not declared by a StreamsBuilder.")
            }
            let name = planned.declaration.name
            let store = try payload.make(
                StoreSite(name: name, task: context, backing: payload.isPersistent ? try backing(planned) : nil))
            context.stores[name] = store
            return TaskStore(
                store: store, planned: planned, changelog: planned.changelogTopic(of: context.applicationID),
                isPersistent: payload.isPersistent)
        }
    }

    /// Makes the nodes: to be called once, when the stores are restored, since processors may look at them.
    package func assemble() throws {
        for (topic, reset, source) in try TaskAssembly(context).assemble(subtopology) {
            queues.append(RecordQueue(topic: topic, reset: reset, source: source, position: 0))
        }
        context.startPunctuations(orderOf: subtopology.nodes.map(\.name))
    }

    /// The topics it reads, with the application id where they are internal.
    package var sourceTopics: [String] { queues.map(\.topic) }

    /// The offset after the last record processed, for each topic it reads.
    package func position(of topic: String) -> Offset? {
        queues.first { $0.topic == topic }?.position
    }

    /// Starts reading a topic at an offset.
    package func seek(_ topic: String, to offset: Offset, partitionTime: Timestamp = .none) {
        queues.first { $0.topic == topic }?.reset(to: offset, partitionTime: partitionTime)
        context.resume(at: partitionTime)
    }

    /// The highest timestamp of a topic so far.
    package func partitionTime(of topic: String) -> Timestamp {
        queues.first { $0.topic == topic }?.partitionTime ?? .none
    }

    /// Where to start reading a topic that the app has no offset for.
    package func startingOffset(of topic: String, in range: Range<Offset>) throws -> Offset {
        switch queues.first(where: { $0.topic == topic })?.reset {
        case .latest: range.upperBound
        case OffsetReset.none?:
            throw MillraceError(
                .configuration,
                "The app has no committed offset for topic \(topic), and its source says to start nowhere. Commit one, or let it start at .earliest or .latest.",
                task: id)
        default: range.lowerBound
        }
    }

    /// Whether there are records to process.
    package var hasRecords: Bool { queues.contains { !$0.isEmpty } }

    /// Memory that its stores take and that a commit can free: stores that are in memory only always take theirs.
    package var storeBytes: Int { stores.reduce(0) { $0 + ($1.isPersistent ? $1.store.byteCount : 0) } }

    /// Roughly what the next write to the disk will hold, of stores that put it off.
    var unsavedBytes: Int { stores.reduce(0) { $0 + $1.store.unsavedBytes } }

    /// Forgets rows that can be read from disk again, beyond `limit` bytes a store. Only after a commit.
    package func trim(to limit: Int) {
        for entry in stores where entry.isPersistent { entry.store.trim(to: limit / max(1, stores.count)) }
    }

    /// When the next punctuation of the time of day is due.
    package var nextWallClockPunctuation: Int64? {
        context.wallClockPunctuations.nextTime
    }

    /// Bytes of batches that wait to be processed.
    package var bufferedBytes: Int { queues.reduce(0) { $0 + $1.byteCount } }

    package func bufferedBytes(of topic: String) -> Int {
        queues.first { $0.topic == topic }?.byteCount ?? 0
    }

    /// Takes batches of one of its topics.
    package func add(_ batches: FetchedBatches) {
        queues.first { $0.topic == batches.partition.topic }?.add(batches)
    }

    /// Processes records, always the one with the lowest timestamp among the heads of the partitions, until `limit` are done or none is left.
    ///
    /// - Parameters:
    ///   - outputLimit: Ends early when this many bytes wait for the commit, so that records which cause many others are committed by themselves.
    ///   - canProceed: Asked, once in a call, when a topic has no record: whether to go on without it.
    /// - Returns: The number of records processed.
    package func process(limit: Int, outputLimit: Int = .max, canProceed: (String) throws -> Bool = { _ in true }) throws -> Int {
        if queues.count == 1, queues[0].source.extractTimestamp == nil { return try processOnly(queues[0], limit, outputLimit) }
        for queue in queues { queue.mayBeEmpty = false }
        var processed = 0
        while processed < limit, context.collector.pendingBytes < outputLimit, !context.isFull, let queue = try nextQueue(canProceed) {
            try process(queue)
            processed += 1
        }
        return processed
    }

    /// Fires the punctuations of the time of day that are due.
    ///
    /// - Returns: Whether any was.
    package func punctuate(now: Timestamp) throws -> Bool {
        context.now = now
        return try punctuate(\.wallClockPunctuations, at: now)
    }

    /// Lets stream time go on without a record: what waits for it leaves, and punctuations fire. Not before the first record, which says where time is.
    ///
    /// - Returns: Whether time has moved.
    package func passTime(to time: Timestamp) throws -> Bool {
        guard context.streamTime.milliseconds >= 0, time > context.streamTime else { return false }
        context.streamTime = time
        context.idleTime.advance(to: time.milliseconds)
        context.hasPassedTime = true
        context.sourceTopic = nil
        context.input = .none
        for (_, action) in context.idleActions {
            context.set(time, Headers())
            try context.releasing { try action(time) }
        }
        _ = try punctuate(\.streamTimePunctuations, at: time)
        return true
    }

    /// Writes all store changes since the last commit to the changelogs and to the batch for the disk.
    ///
    /// - Parameter save: What of stores that could keep their rows for a later batch goes into this one.
    package func prepareCommit(batch: (any ByteStoreBatch)?, save: SaveKind = .inBatch) throws {
        precondition(!context.hasCalls, "a commit comes behind all calls, or their records are lost")
        context.noteTimes()
        for entry in stores {
            let topic = try entry.changelog.flatMap { name in
                if case .own = entry.planned.changelog { try context.collector.topic(name) } else { nil }
            }
            let partition = id.partition
            do {
                try entry.store.commit(
                    to: { key, value, timestamp, headers in
                        try topic?.append(partition: partition, key: key, value: value, timestamp: timestamp, headers: headers)
                    }, batch: entry.isPersistent && save.usesBatch(entry.store) ? batch : nil)
            } catch { throw commitFailure(of: entry, error) }
        }
        context.commitIsRequested = false
    }

    /// The records that a value comes from have been processed when it is written, several to one value perhaps, and what they led to besides stays: no policy can leave it out.
    private func commitFailure(of entry: TaskStore, _ error: any Error) -> MillraceError {
        let name = entry.planned.declaration.name
        guard let known = error as? MillraceError else {
            return MillraceError(
                .serialization,
                "A row of store \(name) could not be written at the commit: its serde threw. The records behind it have been processed, so that no failure policy can leave it out. Let the operator in front of the store refuse such values.",
                cause: error, node: name, task: id)
        }
        guard known.node == nil else { return known }
        var failure = known
        (failure.node, failure.task) = (name, id)
        if [.serialization, .production, .processing].contains(failure.kind) {
            failure.message =
                "A row of store \(name) could not be written at the commit: \(known.message) The records behind it have been processed, so that no failure policy can leave it out. Let the operator in front of the store refuse such values."
        }
        return failure
    }

    /// The store of this name, for queries and tests.
    package func store(_ name: String) -> (any StateStore)? {
        context.stores[name]
    }

    /// What was processed and read of each topic since the last call.
    func takeReadAmounts() -> [String: TaskMetrics.Amount] {
        var amounts: [String: TaskMetrics.Amount] = [:]
        for queue in queues where queue.processedRecords > 0 || queue.addedBytes > 0 {
            amounts[queue.topic] = TaskMetrics.Amount(records: queue.processedRecords, bytes: queue.addedBytes)
            (queue.processedRecords, queue.addedBytes) = (0, 0)
        }
        return amounts
    }

    /// The stores with what restoring them needs.
    package var restorableStores: [TaskStore] { stores }

    private func nextQueue(_ canProceed: (String) throws -> Bool) throws -> RecordQueue? {
        if queues.count == 1 {
            try fill(queues[0])
            return queues[0].head == nil ? nil : queues[0]
        }
        var lowest: RecordQueue?
        for queue in queues {
            try fill(queue)
            if queue.head == nil {
                guard try queue.mayBeEmpty || canProceed(queue.topic) else { return nil }
                queue.mayBeEmpty = true
            } else if lowest.map({ queue.headTime < $0.headTime }) ?? true {
                lowest = queue
            }
        }
        return lowest
    }

    /// `process` for most tasks: one topic, whose records have their times with them, so that none needs to be held back to compare.
    private func processOnly(_ queue: RecordQueue, _ limit: Int, _ outputLimit: Int) throws -> Int {
        let context = self.context
        let receive = queue.source.receive
        let hasStages = self.hasStages
        context.sourceTopic = queue.topic
        let now = context.now.milliseconds
        var (processed, timed, sumOfTimes, oldest) = (0, 0, Int64(0), Int64.max)
        while processed < limit, context.collector.pendingBytes < outputLimit, !context.isFull, let record = try queue.take() {
            processed += 1
            context.sourceOffset = record.offset
            if hasStages { context.input = .raw(record) }
            let time = record.timestamp
            if time.milliseconds >= 0 {
                timed += 1
                let past = min(time.milliseconds, now)
                sumOfTimes &+= past
                oldest = min(oldest, past)
                if time > context.streamTime {
                    context.streamTime = time
                } else if time < context.streamTime {
                    context.meter.late(by: context.streamTime.milliseconds - time.milliseconds)
                }
                do { try receive(record, time) } catch { try letters.handle(error, for: .raw(record), from: queue.topic) }
            } else {
                context.drop(.invalidTimestamp, at: queue.topic)
            }
            if !context.pendingLetters.isEmpty { try letters.sendPending(for: .raw(record), from: queue.topic) }
            queue.finish(record.offset, time)
            if !context.streamTimePunctuations.isEmpty { try punctuateBehindCalls() }
        }
        queue.processedRecords += processed
        context.meter.processed(timed, sumOfTimes: sumOfTimes, oldest: oldest)
        return processed
    }

    private func process(_ queue: RecordQueue) throws {
        guard let head = queue.head else { return }
        context.sourceTopic = queue.topic
        context.sourceOffset = head.offset
        if hasStages { context.input = .raw(head) }
        queue.processedRecords += 1
        guard queue.headTime.milliseconds >= 0 else {
            context.drop(.invalidTimestamp, at: queue.topic)
            if !context.pendingLetters.isEmpty { try letters.sendPending(for: .raw(head), from: queue.topic) }
            return queue.removeHead()
        }
        context.note(queue.headTime)
        do { try queue.processHead() } catch { try letters.handle(error, for: .raw(head), from: queue.topic) }
        if !context.pendingLetters.isEmpty { try letters.sendPending(for: .raw(head), from: queue.topic) }
        queue.removeHead()
        if !context.streamTimePunctuations.isEmpty { try punctuateBehindCalls() }
    }

    /// Brings up the next record; one whose time cannot be told is treated as failed.
    private func fill(_ queue: RecordQueue) throws {
        while true {
            do { return try queue.fill() } catch {
                guard let head = queue.head else { throw error }
                context.sourceTopic = queue.topic
                context.sourceOffset = head.offset
                queue.processedRecords += 1
                // Its turn had not come: what was at hand was the record before.
                var failure = (error as? MillraceError) ?? MillraceError(.processing, "The time of a record cannot be told.", cause: error)
                (failure.task, failure.record) = (id, context.recordMetadata)
                try letters.handle(failure, for: .raw(head), from: queue.topic)
                queue.removeHead()
            }
        }
    }

    private var letters: DeadLetters { DeadLetters(context: context) }

    private func punctuateBehindCalls() throws {
        if hasStages, context.hasCalls { context.noteRoom() } else { _ = try punctuateStreamTime() }
    }

    /// Fires what is due by stream time: for what is set outside of a record's turn.
    func punctuateStreamTime() throws -> Bool {
        try punctuate(\.streamTimePunctuations, at: context.streamTime)
    }

    private func punctuate(_ queue: ReferenceWritableKeyPath<TaskContext, PunctuationQueue>, at now: Timestamp) throws -> Bool {
        guard now.milliseconds >= 0 else { return false }
        var fired = false
        let topic = context.sourceTopic
        defer { context.sourceTopic = topic }
        if hasStages { context.input = .none }
        while let punctuation = context[keyPath: queue].removeNext(dueAt: now.milliseconds) {
            guard !punctuation.isCancelled else { continue }
            context.sourceTopic = nil
            context.set(now, [])
            try context.releasing { try punctuation.fire(at: now) }
            if !punctuation.isCancelled { context[keyPath: queue].add(punctuation) }
            if punctuation.time == .stream { context.meter.streamTimePunctuations += 1 } else { context.meter.wallClockPunctuations += 1 }
            fired = true
        }
        return fired
    }
}

extension PlannedStore {
    /// The name of the store's rows on disk. Rows with a time to live lie differently, and so elsewhere: a store that gets one, or loses it, is rebuilt from its changelog.
    var stateName: String {
        (declaration.payload as? StorePayload)?.isMortal == true ? declaration.name + "~mortal" : declaration.name
    }

    /// The full name of the topic that the store is restored from; `nil` without one.
    func changelogTopic(of applicationID: String) -> String? {
        switch changelog {
        case .none: nil
        case .own(let topic): "\(applicationID)-\(topic)"
        case .sourceTopic(let topic): topic
        }
    }
}
