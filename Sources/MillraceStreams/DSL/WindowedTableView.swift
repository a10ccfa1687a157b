import MillraceCore

/// A table of windows or sessions whose rows are in a store of its own.
@usableFromInline
final class WindowedTableView<Key, Value>: TableView<Windowed<Key>, Value>, @unchecked Sendable {
    private let store: String
    private let lookup: @Sendable (NodeAssembly) throws -> TableLookup<Windowed<Key>, Value>

    /// - Parameter lookup: Compiled for the table's types where they are known.
    @usableFromInline
    init(_ store: String, lookup: @escaping @Sendable (NodeAssembly) throws -> TableLookup<Windowed<Key>, Value>) {
        self.store = store
        self.lookup = lookup
    }

    /// The table of a window store.
    @inlinable
    convenience init(ofWindows store: String) {
        self.init(store) { assembly in
            let rows: WindowStore<Key, Value> = try assembly.task.store(store)
            return TableLookup(find: { try rows.row($0.key, $0.window.start.milliseconds) })
        }
    }

    /// The table of a session store. A row is as old as the end of its session.
    @inlinable
    convenience init(ofSessions store: String) {
        self.init(store) { assembly in
            let rows: SessionStore<Key, Value> = try assembly.task.store(store)
            return TableLookup(find: { key in
                try rows.fetch(key.key, key.window).map { Row(value: $0, timestamp: key.window.end, isDirty: false) }
            })
        }
    }

    override func provideOldValues(force: Bool) -> Bool { true }
    @usableFromInline override var lookupStores: [String] { [store] }

    @usableFromInline
    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Windowed<Key>, Value> {
        try lookup(assembly)
    }
}
