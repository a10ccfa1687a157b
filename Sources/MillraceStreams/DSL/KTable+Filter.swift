import MillraceCore

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
    @inlinable
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
    @inlinable
    public func filterNot(
        in store: Materialized? = nil, named: String? = nil, _ predicate: @escaping @Sendable (Key, Value) throws -> Bool
    ) -> KTable {
        filtered(in: store, named: named) { try !predicate($0, $1) }
    }

    @inlinable
    func filtered(
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
}
