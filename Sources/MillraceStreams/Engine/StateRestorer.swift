import MillraceCore
import MillracePlan
import Synchronization

/// Knows how the stores of a task are brought up to the ends of their changelogs: by the last moments after a crash, by everything where the local state is missing or does not fit.
///
/// Whether local rows can be trusted is decided before the store is made, by `backing`: a store looks at its rows when it is made, and would remember those that go.
final class StateRestorer: Sendable {
    private let transport: any Transport
    private let applicationID: String
    private let state: StateDirectory
    private let clock: any WallClock
    private let logger: MillraceLogger
    private let onProgress: (@Sendable (RestoreProgress) -> Void)?
    /// Why stores are rebuilt from the start, by their changelog partitions.
    private let reasons = Mutex<[TopicPartition: String]>([:])

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
        try state.noteUsed(backing)
        guard let changelog = planned.changelogTopic(of: applicationID).map({ TopicPartition($0, task.partition) }) else { return backing }
        let topic = try topic(changelog, planned, task)
        let known = try state.position(of: backing)
        guard let reason = whyRebuild(known, topic, try range(of: changelog, planned)) else { return backing }
        reasons.withLock { $0[changelog] = reason }
        if known != nil {
            logger.log(
                .warning, "The local state of a store does not fit its changelog and is removed", ("store", planned.declaration.name),
                ("task", "\(task)"), ("reason", reason))
        }
        try state.wipe(backing)
        // Were the rows to come back with a crash, the changelog might have grown past their position by then, with other records than theirs.
        if known != nil { try state.database.flush() }
        return backing
    }

    /// The stores of a task that have changelogs, each where its local state is.
    func stores(of task: StreamTask) throws -> [StoreRestore] {
        try task.restorableStores.compactMap { entry in
            guard let changelog = entry.changelog.map({ TopicPartition($0, task.id.partition) }) else { return nil }
            let name = entry.planned.declaration.name
            let store = try StoreRestore(
                entry, of: task.id, from: changelog, topic: try topic(changelog, entry.planned, task.id).id,
                range: try range(of: changelog, entry.planned),
                backing: entry.isPersistent ? try state.backing(store: entry.planned.stateName, partition: task.id.partition) : nil,
                state: state,
                reason: reasons.withLock { $0[changelog] }, now: now())
            guard !store.isAtLimit else { return store }
            logger.log(
                .info, "Restoring a store from its changelog", ("store", name), ("task", "\(task.id)"), ("records", "\(store.total)"),
                ("reason", store.reason ?? "the last moments before the previous stop"))
            return store
        }
    }

    /// Says that a store is at the end of its changelog.
    func tellRestored(_ store: StoreRestore) {
        if let progress = store.report(now: now()) { tell(progress) }
        reasons.withLock { $0[store.changelog] = nil }
        guard store.total > 0 else { return }
        logger.log(.info, "Restored a store", ("store", store.name), ("task", "\(store.task)"), ("records", "\(store.total)"))
    }

    func tell(_ progress: RestoreProgress) { onProgress?(progress) }

    func now() -> UInt64 { clock.monotonicNanoseconds() }

    /// The first offset that a changelog still has.
    func start(of changelog: TopicPartition) throws -> Offset { try transport.offsetRange(of: changelog).lowerBound }

    private func topic(_ changelog: TopicPartition, _ planned: PlannedStore, _ task: TaskID) throws -> TopicDescription {
        if let topic = try transport.describeTopic(changelog.topic) { return topic }
        throw MillraceError(
            .transport, "The changelog topic \(changelog.topic) of store \(planned.declaration.name) does not exist.", task: task)
    }

    /// The offsets that a store is made of. Where the changelog is a topic that the app reads, others write to it, and what lies behind the app's committed offset has not been
    /// processed yet: a table that had those rows already would tell wrong old values.
    func range(of changelog: TopicPartition, _ planned: PlannedStore) throws -> Range<Offset> {
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
