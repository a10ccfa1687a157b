import MillraceCore
import MillraceFormats

/// One store of a task on its way along its changelog.
final class StoreRestore {
    let entry: StreamTask.TaskStore
    let task: TaskID
    let changelog: TopicPartition
    let topic: TopicID
    private let backing: Backing?
    private let state: StateDirectory
    /// The changelog's records before this offset have been taken.
    private(set) var position: Offset
    /// Records from here on are not to be taken: the end of the changelog when it was last looked at, or how far the app has committed where others write it.
    var limit: Offset
    /// Whether records behind `limit` may be taken as they come, since all that can be read of the changelog is committed by the app itself.
    let isOwn: Bool
    private var savedPosition: Offset
    private let rows: SortedRows?
    /// What keys begin with on disk, where the rows there are the changelog's records as they are.
    private let prefix: [UInt8]?
    private let scratch = ByteBuffer()
    private var progress: RestoreProgress
    private let start: Offset
    private let started: UInt64
    private var nextReport: UInt64
    private var isReported = false

    init(
        _ entry: StreamTask.TaskStore, of task: TaskID, from changelog: TopicPartition, topic: TopicID, range: Range<Offset>,
        backing: Backing?,
        state: StateDirectory, reason: String?, now: UInt64
    ) throws {
        self.entry = entry
        self.task = task
        self.changelog = changelog
        self.topic = topic
        self.backing = backing
        self.state = state
        if case .own = entry.planned.changelog { isOwn = true } else { isOwn = false }
        rows = backing == nil ? nil : SortedRows()
        prefix = rows == nil ? nil : (entry.store as? any VerbatimStore)?.verbatimPrefix
        start = try backing.flatMap { try state.position(of: $0)?.offset } ?? range.lowerBound
        (position, savedPosition, limit) = (start, start, range.upperBound)
        progress = RestoreProgress(
            store: entry.planned.declaration.name, task: task, restored: 0, total: max(0, range.upperBound.value - start.value),
            elapsed: .zero, reason: reason)
        started = now
        nextReport = now + 1_000_000_000
    }

    var name: String { progress.store }
    var total: Int64 { progress.total }
    var reason: String? { progress.reason }
    var isAtLimit: Bool { position >= limit }

    /// Bytes in memory that `save` frees.
    var byteCount: Int { rows.map { $0.byteCount + (entry.store.hasUncommittedRows ? entry.store.byteCount : 0) } ?? 0 }

    /// Takes those records that are wanted.
    func take(_ fetched: FetchedBatches) throws {
        // What can be read of a changelog of the app's own has been committed.
        let end = isOwn ? fetched.nextOffset : limit
        var batches = RecordBatchCursor(fetched.bytes)
        while let records = try batches.next() {
            if records.isControl || records.nextOffset <= position { continue }
            var cursor = try records.records(decompressingInto: scratch)
            if let prefix, let rows { try take(&cursor, until: end, prefix, rows) } else { try take(&cursor, until: end) }
        }
        position = max(position, min(fetched.nextOffset, end))
    }

    private func take(_ cursor: inout RecordCursor, until end: Offset) throws {
        while let record = try cursor.next() {
            guard record.offset >= position, record.offset < end, let key = record.key else { continue }
            try entry.store.restore(
                key: key, value: record.value, timestamp: record.timestamp, headers: try record.headers.decoded(), batch: rows)
        }
    }

    /// The same past the store, where that would only put each record in as it is.
    private func take(_ cursor: inout RecordCursor, until end: Offset, _ prefix: [UInt8], _ rows: SortedRows) throws {
        let position = position
        try prefix.withUnsafeBytes { prefix in
            while let record = try cursor.next() {
                guard record.offset >= position, record.offset < end, let key = record.key else { continue }
                rows.take(record, key: key, prefix: prefix)
            }
        }
    }

    /// Brings what was taken to the database, together with the position.
    func save() throws {
        guard position > savedPosition || (rows?.count ?? 0) > 0 else { return }
        try entry.store.finishRestoring(batch: rows)
        if let rows, let backing {
            try rows.write(
                to: backing.store,
                position: StateDirectory.positionRow(StateDirectory.Position(offset: position, topic: topic), of: backing))
        }
        savedPosition = position
    }

    /// How far it is, when it is time to tell: once a second, and at the end.
    func report(now: UInt64) -> RestoreProgress? {
        guard progress.total > 0, !isReported, now >= nextReport || isAtLimit else { return nil }
        nextReport = now + 1_000_000_000
        progress.restored = min(progress.total, position.value - start.value)
        progress.elapsed = .nanoseconds(Int64(now - started))
        isReported = isAtLimit
        return progress
    }
}
