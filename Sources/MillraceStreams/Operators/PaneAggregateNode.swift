import MillraceCore

/// Keeps one result for each key and hopping window, where results are sent as windows close and results can be merged: adds a record once, and not once for each of its windows.
///
/// The records of a key that are in the same windows make a pane. A pane has a result of its own, which is merged into its windows when somebody is to see them: when a window
/// closes, at a commit, when the store is read. What is in the store and its changelog after a commit is the same as with an update for each record.
///
/// Kafka: `KStreamWindowAggregate`, which updates every window with every record.
@usableFromInline
final class PaneAggregateNode<Key, Value, Result>: UnmergedRows {
    @usableFromInline typealias Merge = @Sendable (Key, Result, Result) throws -> Result

    /// What the records that are in the windows from `first` to `last` add up to.
    @usableFromInline
    struct Pane {
        @usableFromInline let key: Key
        @usableFromInline let first: Int64
        @usableFromInline let last: Int64
        @usableFromInline var result: Result?
        @usableFromInline var timestamp: Timestamp

        @inlinable
        init(key: Key, first: Int64, last: Int64, timestamp: Timestamp) {
            self.key = key
            self.first = first
            self.last = last
            self.timestamp = timestamp
        }
    }

    @usableFromInline let aggregate: StreamAggregate<Key, Value, Result>
    @usableFromInline let merge: Merge
    @usableFromInline let grid: WindowGrid
    @usableFromInline let store: WindowStore<Key, Result>
    @usableFromInline let closed: ClosedWindows<Key, Result>
    @usableFromInline let site: NodeSite
    /// The panes' key, first and last window; a slot is the place of the pane in `panes`.
    @usableFromInline let slots = KeyTable()
    /// In the order of their first records.
    @usableFromInline var panes: ContiguousArray<Pane> = []
    @usableFromInline let buffer = ByteBuffer()
    /// The highest time of a record with a key that this node got.
    @usableFromInline let streamTime: ObservedTime

    @inlinable
    init(
        _ aggregate: StreamAggregate<Key, Value, Result>, merging merge: @escaping Merge, _ grid: WindowGrid,
        closing closed: ClosedWindows<Key, Result>, _ store: WindowStore<Key, Result>, _ assembly: NodeAssembly
    ) {
        self.aggregate = aggregate
        self.merge = merge
        self.grid = grid
        self.store = store
        self.closed = closed
        site = assembly.site
        streamTime = assembly.task.observedTime(of: assembly.name)
        store.unmerged = self
        assembly.whenIdle { [self] time in try passTime(to: time) }
    }

    @usableFromInline
    func passTime(to time: Timestamp) throws {
        streamTime.advance(to: time.milliseconds)
        try closed.send(until: streamTime.value - grid.grace, Headers()) { try mergePanes() }
    }

    @usableFromInline var isEmpty: Bool { panes.isEmpty }
    @usableFromInline var byteCount: Int { slots.byteCount + panes.count * MemoryLayout<Pane>.stride }

    @inlinable
    func receive(_ key: Key?, _ value: Value, _ timestamp: Timestamp, _ headers: Headers) throws {
        guard let key else { return site.drop(.nullKey) }
        let time = timestamp.milliseconds
        streamTime.advance(to: time)
        let closeTime = streamTime.value - grid.grace
        var next: Int64? = grid.firstStart(containing: time)
        while let start = next, start <= time, grid.end(from: start) <= closeTime {
            site.drop(.late)
            next = grid.start(after: start)
        }
        if let first = next, first <= time { try add(key, value, timestamp, first: first, last: grid.lastStart(containing: time)) }
        try closed.send(until: closeTime, headers) { try mergePanes() }
    }

    @inlinable
    func add(_ key: Key, _ value: Value, _ timestamp: Timestamp, first: Int64, last: Int64) throws {
        _ = try store.write(key, to: buffer)
        buffer.append(bigEndian: first)
        buffer.append(bigEndian: last)
        let (slot, isNew) = slots.insert(buffer.bytes)
        if isNew { panes.append(Pane(key: key, first: first, last: last, timestamp: timestamp)) }
        do { panes[slot].result = try aggregate.apply(key, value, panes[slot].result) } catch { throw site.failure(error) }
        if timestamp > panes[slot].timestamp { panes[slot].timestamp = timestamp }
    }

    /// Merges the panes into their windows and forgets them.
    @inlinable
    func mergePanes() throws {
        guard !panes.isEmpty else { return }
        for slot in panes.indices {
            let pane = panes[slot]
            // A pane whose only record failed has no result.
            guard let result = pane.result else { continue }
            let keyLength = store.write(keyBytes: UnsafeRawBufferPointer(rebasing: slots.key(of: slot).dropLast(16)))
            var next: Int64? = pane.first
            while let start = next, start <= pane.last {
                next = grid.start(after: start)
                let place = try store.place(atStart: start, keyLength: keyLength)
                let row = place.row
                var merged = result
                if let before = row?.value {
                    do { merged = try merge(pane.key, before, result) } catch {
                        // Several records have made the pane; what is merged already must not be merged again.
                        try site.task.releasing { throw site.failure(error) }
                        continue
                    }
                }
                try store.write(merged, max(pane.timestamp, row?.timestamp ?? pane.timestamp), to: place)
            }
        }
        panes.removeAll(keepingCapacity: true)
        slots.removeAll()
    }
}

/// Rows that a node has still to merge into a store, before anybody reads the store.
@usableFromInline
protocol UnmergedRows: AnyObject {
    var isEmpty: Bool { get }
    var byteCount: Int { get }
    func mergePanes() throws
}
