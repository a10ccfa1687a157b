import MillraceCore

/// A table whose rows a transformer computes.
@usableFromInline
final class TransformedTableView<Key, Value, NewValue>: TableView<Key, NewValue>, @unchecked Sendable {
    private let parent: TableView<Key, Value>
    private let store: String?
    private let versioned: Bool
    private let lookup: @Sendable (NodeAssembly) throws -> TableLookup<Key, NewValue>

    @inlinable
    convenience init(
        _ parent: TableView<Key, Value>, store: String?, isVersioned: Bool,
        make: @escaping @Sendable (ProcessorContext<Never, Never>) throws -> any TableTransformer<Key, Value, NewValue>
    ) {
        self.init(parent, store, isVersioned) { assembly in
            if let store { return try TableLookup(reading: store, assembly) }
            let site = assembly.site
            let transformer = try make(ProcessorContext(withoutOutputs: site))
            // A row that is not there is transformed too, at an unknown time.
            let transform: (Key, Row<Value>?) throws -> Row<NewValue>? = { key, row in
                let time = row?.timestamp ?? .none
                do {
                    return try site.task.handling(time, Headers()) {
                        try transformer.transform(FixedKeyRecord(Record(key: key, value: row?.value, timestamp: time)))
                    }.map { Row(value: $0, timestamp: time, isDirty: false) }
                } catch { throw site.failure(error) }
            }
            let lookup = try parent.makeLookup(assembly)
            return TableLookup(
                find: { try transform($0, lookup.find($0)) },
                findAsOf: lookup.findAsOf.map { find in { try transform($0, find($0, $1)) } })
        }
    }

    /// - Parameter lookup: Compiled for the table's types where they are known.
    @usableFromInline
    init(
        _ parent: TableView<Key, Value>, _ store: String?, _ isVersioned: Bool,
        lookup: @escaping @Sendable (NodeAssembly) throws -> TableLookup<Key, NewValue>
    ) {
        self.parent = parent
        self.store = store
        self.lookup = lookup
        versioned = isVersioned
    }

    override func provideOldValues(force: Bool) -> Bool { store != nil || parent.enableOldValues(force: force) }
    @usableFromInline override var lookupStores: [String] { store.map { [$0] } ?? parent.lookupStores }
    override var isVersioned: Bool { store == nil ? parent.isVersioned : versioned }

    @usableFromInline
    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, NewValue> {
        try lookup(assembly)
    }
}
