import MillraceCore

/// A table whose rows are computed one by one from those of another, and kept only if the table was given a store.
@usableFromInline
final class DerivedTableView<Key, Value, Result>: TableView<Key, Result>, @unchecked Sendable {
    @usableFromInline let parent: TableView<Key, Value>
    /// The name of the table's own store; `nil` without one.
    let store: String?
    private let versioned: Bool
    private let lookup: @Sendable (NodeAssembly) throws -> TableLookup<Key, Result>

    @inlinable
    convenience init(
        _ parent: TableView<Key, Value>, store: String?, isVersioned: Bool, derive: @escaping @Sendable (Key, Value) throws -> Result?
    ) {
        self.init(parent, store, isVersioned) { assembly in
            if let store { return try TableLookup(reading: store, assembly) }
            let site = assembly.site
            return try parent.makeLookup(assembly).mapped { key, row in
                guard let value = row.value else { return nil }
                do {
                    return try derive(key, value).map { Row(value: $0, timestamp: row.timestamp, isDirty: false) }
                } catch { throw site.failure(error) }
            }
        }
    }

    /// - Parameter lookup: Compiled for the table's types where they are known.
    @usableFromInline
    init(
        _ parent: TableView<Key, Value>, _ store: String?, _ isVersioned: Bool,
        lookup: @escaping @Sendable (NodeAssembly) throws -> TableLookup<Key, Result>
    ) {
        self.parent = parent
        self.store = store
        self.lookup = lookup
        versioned = isVersioned
    }

    override func provideOldValues(force: Bool) -> Bool {
        store != nil || parent.enableOldValues(force: force)
    }

    @usableFromInline override var lookupStores: [String] { store.map { [$0] } ?? parent.lookupStores }
    override var isVersioned: Bool { store == nil ? parent.isVersioned : versioned }

    @usableFromInline
    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Result> {
        try lookup(assembly)
    }
}

extension TableLookup {
    /// A look-up that changes what is found.
    @inlinable
    func mapped<Result>(_ transform: @escaping (Key, Row<Value>) throws -> Row<Result>?) -> TableLookup<Key, Result> {
        let (find, findAsOf) = (self.find, self.findAsOf)
        return TableLookup<Key, Result>(
            find: { key in try find(key).flatMap { try transform(key, $0) } },
            findAsOf: findAsOf.map { findAsOf in
                { key, time in try findAsOf(key, time).flatMap { try transform(key, $0) } }
            })
    }
}
