import MillraceCore

/// The rows of a table: a plain store, or one that keeps their history.
@usableFromInline
final class TableStore<Key, Value> {
    /// What a write did.
    struct PutResult {
        /// Whether the row now has this value, and not a newer one.
        let isLatest: Bool
    }

    /// Exactly one of the two is there.
    private let rows: KeyValueStore<Key, Value>?
    private let versions: VersionedStore<Key, Value>?

    init(named name: String, in task: TaskContext) throws {
        versions = task.stores[name] as? VersionedStore<Key, Value>
        rows = versions == nil ? try task.store(name) : nil
    }

    /// The current row of a key.
    func get(_ key: Key) throws -> Row<Value>? {
        if let rows { return try rows.row(key) }
        return try versions?.row(key)
    }

    /// The row of a key as of a time; `nil` where the rows are kept without their history.
    var getAsOf: ((Key, Timestamp) throws -> Row<Value>?)? {
        versions.map { versions in
            { key, time in
                try versions.get(key, asOf: time).map { Row(value: $0.value, timestamp: $0.timestamp, isDirty: false) }
            }
        }
    }

    /// Sets or, with `nil`, deletes a row.
    ///
    /// - Returns: `nil` when the store refused the write, because it is older than the history that it keeps.
    func put(_ key: Key, _ value: Value?, _ timestamp: Timestamp) throws -> PutResult? {
        if let rows {
            try rows.put(key, value, timestamp)
            return PutResult(isLatest: true)
        }
        switch try versions?.put(key, value, at: timestamp) {
        case .latest: return PutResult(isLatest: true)
        case .superseded: return PutResult(isLatest: false)
        case .refused, nil: return nil
        }
    }
}

extension TableLookup {
    /// Reads the rows of a store.
    init(reading store: String, _ assembly: NodeAssembly) throws {
        let rows = try TableStore<Key, Value>(named: store, in: assembly.task)
        self.init(find: { try rows.get($0) }, findAsOf: rows.getAsOf)
    }
}
