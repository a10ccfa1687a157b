import MillraceCore
import MillracePlan

extension KTable {
    /// The rows for which `predicate` holds.
    ///
    ///     let open = invoices.filter { _, invoice in !invoice.isPaid }
    ///
    /// A row that no longer passes is deleted from the result. Without a store the result is computed whenever it is looked up. Kafka: `filter`.
    ///
    /// - Parameters:
    ///   - store: Where to keep the result's rows, if it shall have a store.
    ///   - predicate: Not called for deleted rows.
    public func filter(
        in store: Materialized? = nil, named: String? = nil, _ predicate: @escaping @Sendable (Key, Value) throws -> Bool
    ) -> KTable {
        filtered(in: store, named: named, predicate)
    }

    /// The rows for which `predicate` does not hold.
    ///
    ///     let active = users.filterNot { _, user in user.isBlocked }
    ///
    /// Kafka: `filterNot`.
    public func filterNot(
        in store: Materialized? = nil, named: String? = nil, _ predicate: @escaping @Sendable (Key, Value) throws -> Bool
    ) -> KTable {
        filtered(in: store, named: named) { try !predicate($0, $1) }
    }

    private func filtered(
        in store: Materialized?, named: String?, _ passes: @escaping @Sendable (Key, Value) throws -> Bool
    ) -> KTable {
        let derive: @Sendable (Key, Value) throws -> Value? = { key, value in try passes(key, value) ? value : nil }
        return derived("KTABLE-FILTER-", in: store, value: valueSerde, named: named) { storeName in
            let view = DerivedTableView(view, store: storeName, isVersioned: store?.isVersioned ?? false, derive: derive)
            // Old values that can be had without a store made for them save tombstones of rows that never passed.
            if view.parent.enableOldValues(force: false) { _ = view.enableOldValues(force: false) }
            return (
                view,
                { assembly in
                    let node = try DerivedTableNode(
                        store: storeName, sendsOldValues: view.sendsOldValues, dropsEmptyUpdates: assembly.versionedInputs.isEmpty,
                        assembly, derive: derive)
                    return NodeInput { (record: Record<Key, Change<Value>>) in try node.receive(record) }
                }
            )
        }
    }

    /// The table behind an operator that may or may not get a store.
    ///
    /// - Parameters:
    ///   - numbersStore: Whether a store without a name, which is never made, takes a number all the same.
    ///   - make: Gets the name of the store, `nil` for none, and gives the view and what assembles the node.
    func derived<Result>(
        _ prefix: String, in store: Materialized?, value: Serde<Result>?, named: String?, connecting: [String] = [],
        numbersStore: Bool = true,
        _ make: (String?) -> (view: TableView<Key, Result>, assemble: @Sendable (NodeAssembly) throws -> NodeInput)
    ) -> KTable<Key, Result> {
        if let store, store.name == nil, numbersStore { _ = builder.graph.newStoreName(prefix) }
        let name = builder.name(named, prefix: prefix)
        let (view, assemble) = make(store?.name)
        let node = builder.addProcessor(name, parents: [node], NodePayload(assemble), connecting: connecting)
        if let store {
            node.outputIsVersioned = store.isVersioned
            if let storeName = store.name {
                node.store = builder.tableStore(
                    store, name: storeName, key: builder.serde(keySerde, for: "the keys of store \(storeName)"),
                    value: builder.serde(value, for: "the values of store \(storeName)"))
            }
        }
        return KTable<Key, Result>(
            builder: builder, node: node, name: name, key: keySerde, value: value, sources: sources, view: view, storeName: store?.name)
    }
}
