import MillraceCore

/// The rows of a table: a plain store, or one that keeps their history.
@usableFromInline
final class TableStore<Key, Value> {
    /// What a write did.
    @usableFromInline
    struct PutResult {
        /// Whether the row now has this value, and not a newer one.
        @usableFromInline let isLatest: Bool

        @inlinable
        init(isLatest: Bool) {
            self.isLatest = isLatest
        }
    }

    /// Where the row of a key is or would be, found by one look-up for reading and then writing. Good until the store's next call.
    @usableFromInline
    struct Place {
        /// The current row; `nil` when there is none.
        @usableFromInline let row: Row<Value>?
        @usableFromInline let slot: Int

        @inlinable
        init(row: Row<Value>?, slot: Int) {
            self.row = row
            self.slot = slot
        }
    }

    /// Exactly one of the two is there.
    @usableFromInline let rows: KeyValueStore<Key, Value>?
    /// `rows`, unless they have a time to live: those go the longer way, so that all others need not ask.
    @usableFromInline let immortal: KeyValueStore<Key, Value>?
    @usableFromInline let versions: VersionedStore<Key, Value>?
    /// The row that `place` has found last, although its time to live is over: those behind the table have not been told of that yet.
    @exclusivity(unchecked) @usableFromInline var overdue: Row<Value>?

    @usableFromInline
    init(named name: String, in task: TaskContext) throws {
        versions = task.stores[name] as? VersionedStore<Key, Value>
        rows = versions == nil ? try task.store(name) : nil
        immortal = rows?.lifetime == nil ? rows : nil
    }

    /// The current row of a key.
    @inlinable
    func get(_ key: Key) throws -> Row<Value>? {
        if let rows { return try rows.row(key) }
        return try versionedRow(key)
    }

    /// The current row of a key, and where to write the next one.
    @inlinable
    func place(of key: Key) throws -> Place {
        guard let immortal else { return try slowPlace(of: key) }
        let slot = try immortal.overlay.slot(of: immortal.bytes(of: key))
        let row = immortal.overlay.row(slot)
        return Place(row: row.value == nil ? nil : row, slot: slot)
    }

    /// The row of a key as of a time; `nil` where the rows are kept without their history.
    @inlinable var getAsOf: ((Key, Timestamp) throws -> Row<Value>?)? {
        versions.map { versions in
            { key, time in
                try versions.get(key, asOf: time).map { Row(value: $0.value, timestamp: $0.timestamp, isDirty: false) }
            }
        }
    }

    /// Sets or, with `nil`, deletes a row.
    ///
    /// - Returns: `nil` when the store refused the write, because it is older than the history that it keeps.
    @inlinable
    func put(_ key: Key, _ value: Value?, _ timestamp: Timestamp) throws -> PutResult? {
        if let rows {
            try rows.put(key, value, timestamp)
            return PutResult(isLatest: true)
        }
        return try putVersion(key, value, timestamp)
    }

    /// Sets or, with `nil`, deletes the row whose place was found last.
    ///
    /// - Parameter deletion: The time that a deletion is noted with where no history is kept: that of the record that caused it, which may be before the row's.
    /// - Returns: `nil` when the store refused the write, because it is older than the history that it keeps.
    @inlinable
    func put(_ key: Key, _ value: Value?, _ timestamp: Timestamp, deletion: Timestamp, at place: Place) throws -> PutResult? {
        guard let rows else { return try putVersion(key, value, timestamp) }
        let time = value == nil ? deletion : timestamp
        if immortal == nil { rows.writeMortal(value, time, slot: place.slot) } else { rows.overlay.write(value, time, slot: place.slot) }
        return PutResult(isLatest: true)
    }

    /// Writes the new value of a change, and notes in the change whether it is the latest one and, if asked to, what was there before.
    ///
    /// - Returns: `false` when the store refused the write.
    @inlinable
    func apply(_ change: inout Change<Value>, to key: Key, _ timestamp: Timestamp, readsOld: Bool) throws -> Bool {
        let result: PutResult?
        if readsOld {
            let place = try place(of: key)
            change.old = place.row?.value ?? overdue?.value
            result = try put(key, change.new, timestamp, deletion: timestamp, at: place)
        } else {
            result = try put(key, change.new, timestamp)
        }
        guard let result else { return false }
        change.isLatest = result.isLatest
        return true
    }

    @inlinable
    func slowPlace(of key: Key) throws -> Place {
        guard let rows else { return Place(row: try versionedRow(key), slot: -1) }
        let slot = try rows.overlay.slot(of: rows.bytes(of: key))
        let row = rows.overlay.row(slot).value == nil ? nil : rows.overlay.row(slot)
        let alive = rows.alive(row)
        overdue = alive == nil ? row : nil
        return Place(row: alive, slot: slot)
    }

    /// Sends a deletion for each row whose time to live is over.
    @inlinable
    func sendExpiry(to output: Output<Key, Change<Value>>, withOldValues sendsOldValues: Bool) {
        guard let rows, rows.lifetime != nil else { return }
        rows.onExpiry = { key, row, end in
            try output.send(Record(key: key, value: Change(new: nil, old: sendsOldValues ? row.value : nil), timestamp: end))
        }
    }

    @inlinable
    func versionedRow(_ key: Key) throws -> Row<Value>? { try versions?.row(key) }

    @inlinable
    func putVersion(_ key: Key, _ value: Value?, _ timestamp: Timestamp) throws -> PutResult? {
        switch try versions?.put(key, value, at: timestamp) {
        case .latest: return PutResult(isLatest: true)
        case .superseded: return PutResult(isLatest: false)
        case .refused, nil: return nil
        }
    }
}

extension TableLookup {
    /// Reads the rows of a store.
    @inlinable
    init(reading store: String, _ assembly: NodeAssembly) throws {
        let rows = try TableStore<Key, Value>(named: store, in: assembly.task)
        self.init(find: { try rows.get($0) }, findAsOf: rows.getAsOf)
    }
}
