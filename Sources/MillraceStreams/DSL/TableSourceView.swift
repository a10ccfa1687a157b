import MillraceCore
import MillracePlan

/// A table that is read from a topic or made of a stream. It gets a store when it is given a name for one, or as soon as an operator behind needs its rows.
///
/// Kafka: `KTableSource`.
@usableFromInline
final class TableSourceView<Key, Value>: TableView<Key, Value>, @unchecked Sendable {
    @usableFromInline let store: String
    /// Whether the table has a store.
    @usableFromInline private(set) var isMaterialized: Bool
    private let versioned: Bool
    private let declare: () -> StoreDeclaration
    private let lookup: @Sendable (NodeAssembly) throws -> TableLookup<Key, Value>
    private var node: LogicalNode?

    /// - Parameter declare: Declares the store, once it turns out to be needed.
    @inlinable
    convenience init(_ name: String, _ store: Materialized, declare: @escaping () -> StoreDeclaration) {
        self.init(name, store, declare) { try TableLookup(reading: name, $0) }
    }

    /// - Parameter lookup: Compiled for the table's types where they are known.
    @usableFromInline
    init(
        _ name: String, _ store: Materialized, _ declare: @escaping () -> StoreDeclaration,
        lookup: @escaping @Sendable (NodeAssembly) throws -> TableLookup<Key, Value>
    ) {
        self.store = name
        self.lookup = lookup
        isMaterialized = store.name != nil || store.timeToLive != nil
        versioned = store.isVersioned
        self.declare = declare
    }

    /// Makes the logical node of the table the one that gets the store.
    @usableFromInline
    func attach(to node: LogicalNode) {
        self.node = node
        if isMaterialized { node.store = declare() }
    }

    override func provideOldValues(force: Bool) -> Bool {
        if force { materialize() }
        return isMaterialized
    }

    @usableFromInline override var lookupStores: [String] {
        materialize()
        return [store]
    }

    override var isVersioned: Bool { versioned }

    @usableFromInline
    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Value> {
        try lookup(assembly)
    }

    private func materialize() {
        guard !isMaterialized else { return }
        isMaterialized = true
        node?.store = declare()
    }
}
