import MillraceCore
import MillracePlan

/// A table that is read from a topic or made of a stream. It gets a store when it is given a name for one, or as soon as an operator behind needs its rows.
///
/// Kafka: `KTableSource`.
final class TableSourceView<Key, Value>: TableView<Key, Value>, @unchecked Sendable {
    let store: String
    /// Whether the table has a store.
    private(set) var isMaterialized: Bool
    private let versioned: Bool
    private let declare: () -> StoreDeclaration
    private var node: LogicalNode?

    /// - Parameter declare: Declares the store, once it turns out to be needed.
    init(_ name: String, _ store: Materialized, declare: @escaping () -> StoreDeclaration) {
        self.store = name
        isMaterialized = store.name != nil || store.timeToLive != nil
        versioned = store.isVersioned
        self.declare = declare
    }

    /// Makes the logical node of the table the one that gets the store.
    func attach(to node: LogicalNode) {
        self.node = node
        if isMaterialized { node.store = declare() }
    }

    override func provideOldValues(force: Bool) -> Bool {
        if force { materialize() }
        return isMaterialized
    }

    override var lookupStores: [String] {
        materialize()
        return [store]
    }

    override var isVersioned: Bool { versioned }

    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Value> {
        try TableLookup(reading: store, assembly)
    }

    private func materialize() {
        guard !isMaterialized else { return }
        isMaterialized = true
        node?.store = declare()
    }
}
