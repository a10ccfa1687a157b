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
