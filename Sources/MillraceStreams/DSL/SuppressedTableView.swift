import MillraceCore

/// A table that shows its changes late: while a row waits, a look-up finds what it was before.
@usableFromInline
final class SuppressedTableView<Key, Value>: TableView<Key, Value>, @unchecked Sendable {
    private let parent: TableView<Key, Value>
    private let store: String
    private let lookup: @Sendable (NodeAssembly) throws -> TableLookup<Key, Value>

    @inlinable
    convenience init(_ parent: TableView<Key, Value>, store: String) {
        self.init(parent, store) { assembly in
            let lookup = try parent.makeLookup(assembly)
            let waiting: SuppressionStore<Key, Value> = try assembly.task.store(store)
            return TableLookup(find: { key in
                guard let slot = try waiting.slot(of: key) else { return try lookup.find(key) }
                // The time of the value before is not known.
                return waiting.priorValue(slot).map { Row(value: $0, timestamp: .none, isDirty: false) }
            })
        }
    }

    /// - Parameter lookup: Compiled for the table's types where they are known.
    @usableFromInline
    init(_ parent: TableView<Key, Value>, _ store: String, lookup: @escaping @Sendable (NodeAssembly) throws -> TableLookup<Key, Value>) {
        self.parent = parent
        self.store = store
        self.lookup = lookup
    }

    override func provideOldValues(force: Bool) -> Bool { parent.enableOldValues(force: force) }
    @usableFromInline override var lookupStores: [String] { [store] + parent.lookupStores }

    @usableFromInline
    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Value> {
        try lookup(assembly)
    }
}
