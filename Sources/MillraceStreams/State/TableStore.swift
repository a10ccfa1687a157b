import MillraceCore

/// The rows of a table: a plain store, or one that keeps their history.
@usableFromInline
final class TableStore<Key, Value> {
    /// What a write did.
    struct PutResult {
        /// Whether the row now has this value, and not a newer one.
        let isLatest: Bool
    }

    private let rows: KeyValueStore<Key, Value>

    init(named name: String, in task: TaskContext) throws {
        rows = try task.store(name)
    }

    /// The current row of a key.
    func get(_ key: Key) throws -> Row<Value>? {
        try rows.row(key)
    }

    /// Sets or, with `nil`, deletes a row.
    ///
    /// - Returns: `nil` when the store refused the write, because it is older than the history that it keeps.
    func put(_ key: Key, _ value: Value?, _ timestamp: Timestamp) throws -> PutResult? {
        try rows.put(key, value, timestamp)
        return PutResult(isLatest: true)
    }
}

extension TableLookup {
    /// Reads the rows of a store.
    init(reading store: String, _ assembly: NodeAssembly) throws {
        let rows = try TableStore<Key, Value>(named: store, in: assembly.task)
        self.init(find: { try rows.get($0) })
    }
}
