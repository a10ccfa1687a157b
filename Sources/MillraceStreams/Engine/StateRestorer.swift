import MillraceCore
import MillraceFormats
import MillracePlan

/// Brings the stores of a task up to the end of their changelogs: the last moments after a crash, everything where the local state is missing or does not fit.
///
/// Whether local rows can be trusted is decided before the store is made, by `backing`: a store looks at its rows when it is made, and would remember those that go.
final class StateRestorer {
    private let transport: any Transport
    private let applicationID: String
    private let state: StateDirectory
    private let clock: any WallClock
    private let logger: MillraceLogger
    private let onProgress: (@Sendable (RestoreProgress) -> Void)?
    /// Why stores are rebuilt from the start, by their changelog partitions.
    private var reasons: [TopicPartition: String] = [:]

    init(
        transport: any Transport, applicationID: String, state: StateDirectory, clock: any WallClock, logger: MillraceLogger,
        onProgress: (@Sendable (RestoreProgress) -> Void)?
    ) {
        self.transport = transport
        self.applicationID = applicationID
        self.state = state
        self.clock = clock
        self.logger = logger
        self.onProgress = onProgress
    }

    /// The place of a store's rows. Rows that do not fit the changelog, or cannot be told to, are gone when this returns.
    func backing(of planned: PlannedStore, task: TaskID) throws -> Backing {
        let backing = try state.backing(store: planned.stateName, partition: task.partition)
        guard let changelog = planned.changelogTopic(of: applicationID).map({ TopicPartition($0, task.partition) }) else { return backing }
        let topic = try topic(changelog, planned, task)
        let known = try state.position(of: backing)
        guard let reason = whyRebuild(known, topic, try range(of: changelog, planned)) else { return backing }
        reasons[changelog] = reason
        if known != nil {
            logger.log(
                .warning, "The local state of a store does not fit its changelog and is removed", ("store", planned.declaration.name),
                ("task", "\(task)"), ("reason", reason))
        }
        try state.wipe(backing)
        return backing
    }

    /// - Parameter session: A session that nothing else reads with.
    func restore(_ task: StreamTask, with session: any TransportSession, shouldStop: () -> Bool) throws {
        for entry in task.restorableStores {
            guard let changelog = entry.changelog else { continue }
            try restore(entry, of: task, from: TopicPartition(changelog, task.id.partition), with: session, shouldStop: shouldStop)
        }
    }

    private func restore(
        _ entry: StreamTask.TaskStore, of task: StreamTask, from changelog: TopicPartition, with session: any TransportSession,
        shouldStop: () -> Bool
    ) throws {
        let name = entry.planned.declaration.name
        let topic = try topic(changelog, entry.planned, task.id)
        let range = try range(of: changelog, entry.planned)
        let backing = entry.isPersistent ? try state.backing(store: entry.planned.stateName, partition: task.id.partition) : nil
        var position = range.lowerBound
        let reason = reasons[changelog]
        if let backing, let known = try state.position(of: backing) { position = known.offset }
        guard position < range.upperBound else { return }
        let started = clock.monotonicNanoseconds()
        var progress = RestoreProgress(
            store: name, task: task.id, restored: 0, total: range.upperBound.value - position.value, elapsed: .zero, reason: reason)
        logger.log(
            .info, "Restoring a store from its changelog", ("store", name), ("task", "\(task.id)"), ("records", "\(progress.total)"),
            ("reason", reason ?? "the last moments before the previous stop"))
        let start = position
        try session.assign([changelog: position])
        let batch = backing.map { $0.store.makeBatch() }
        let scratch = ByteBuffer()
        var nextReport = started + 1_000_000_000
        while position < range.upperBound {
            if shouldStop() { return }
            for fetched in try session.poll(maxBytes: 1 << 20, timeout: .milliseconds(100)) {
                var batches = RecordBatchCursor(fetched.bytes)
                while let records = try batches.next() {
                    guard !records.isControl else { continue }
                    var cursor = try records.records(decompressingInto: scratch)
                    while let record = try cursor.next() {
                        guard record.offset >= position, record.offset < range.upperBound, let key = record.key else { continue }
                        try entry.store.restore(
                            key: key, value: record.value, timestamp: record.timestamp, headers: try record.headers.decoded(), batch: batch)
                    }
                }
                position = max(position, min(fetched.nextOffset, range.upperBound))
            }
            try entry.store.finishRestoring(batch: batch)
            if let backing, let batch, batch.count > 0 {
                state.setPosition(StateDirectory.Position(offset: position, topic: topic.id), of: backing, in: batch)
                try backing.store.write(batch)
            }
            let now = clock.monotonicNanoseconds()
            if now >= nextReport || position >= range.upperBound {
                nextReport = now + 1_000_000_000
                progress.restored = min(position.value, range.upperBound.value) - start.value
                progress.elapsed = .nanoseconds(Int64(now - started))
                onProgress?(progress)
            }
        }
        logger.log(
            .info, "Restored a store", ("store", name), ("task", "\(task.id)"), ("records", "\(progress.total)"),
            ("milliseconds", "\(progress.elapsed.milliseconds)"))
    }

    private func topic(_ changelog: TopicPartition, _ planned: PlannedStore, _ task: TaskID) throws -> TopicDescription {
        if let topic = try transport.describeTopic(changelog.topic) { return topic }
        throw MillraceError(
            .transport, "The changelog topic \(changelog.topic) of store \(planned.declaration.name) does not exist.", task: task)
    }

    /// The offsets that a store is made of. Where the changelog is a topic that the app reads, others write to it, and what lies behind the app's committed offset has not been
    /// processed yet: a table that had those rows already would tell wrong old values.
    private func range(of changelog: TopicPartition, _ planned: PlannedStore) throws -> Range<Offset> {
        let range = try transport.offsetRange(of: changelog)
        guard case .sourceTopic = planned.changelog else { return range }
        let committed = try transport.committedOffsets(of: applicationID, for: [changelog])[changelog]?.offset ?? range.lowerBound
        return range.lowerBound..<max(range.lowerBound, min(committed, range.upperBound))
    }

    /// Why local rows cannot be trusted; `nil` when they can.
    private func whyRebuild(_ known: StateDirectory.Position?, _ topic: TopicDescription, _ range: Range<Offset>) -> String? {
        guard let known else { return "there is no local state" }
        if known.topic != topic.id { return "the changelog topic was deleted and made again" }
        if known.offset < range.lowerBound {
            return "the changelog now starts at offset \(range.lowerBound), behind the local position \(known.offset)"
        }
        if known.offset > range.upperBound {
            return "the local state is ahead of the changelog, which counts up to offset \(range.upperBound)"
        }
        return nil
    }
}
