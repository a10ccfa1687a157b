import MillraceCore

/// A table of windows whose rows are in a window store.
final class WindowedTableView<Key, Value>: TableView<Windowed<Key>, Value>, @unchecked Sendable {
    private let store: String

    init(store: String) {
        self.store = store
    }

    override func provideOldValues(force: Bool) -> Bool { true }
    override var lookupStores: [String] { [store] }

    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Windowed<Key>, Value> {
        let rows: WindowStore<Key, Value> = try assembly.task.store(store)
        return TableLookup(find: { try rows.row($0.key, $0.window.start.milliseconds) })
    }
}

/// A table of sessions whose rows are in a session store. A row is as old as the end of its session.
@usableFromInline
final class SessionTableView<Key, Value>: TableView<Windowed<Key>, Value>, @unchecked Sendable {
    private let store: String

    @usableFromInline
    init(store: String) {
        self.store = store
    }

    override func provideOldValues(force: Bool) -> Bool { true }
    override var lookupStores: [String] { [store] }

    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Windowed<Key>, Value> {
        let rows: SessionStore<Key, Value> = try assembly.task.store(store)
        return TableLookup(find: { key in
            try rows.fetch(key.key, key.window).map { Row(value: $0, timestamp: key.window.end, isDirty: false) }
        })
    }
}
