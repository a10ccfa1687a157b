import MillraceCore

extension KTable {
    /// Each row with another value.
    ///
    ///     let names = users.mapValues { $0.name }
    ///
    /// Without a store the result is computed whenever it is looked up. Kafka: `mapValues`.
    ///
    /// - Parameters:
    ///   - store: Where to keep the result's rows, if it shall have a store.
    ///   - value: How results are written, where they are; the type's own serde when left out.
    ///   - transform: Not called for deleted rows. A result of `nil` deletes the row.
    @inlinable
    public func mapValues<NewValue>(
        in store: Materialized? = nil, value: Serde<NewValue>? = nil, named: String? = nil,
        _ transform: @escaping @Sendable (Value) throws -> NewValue?
    ) -> KTable<Key, NewValue> {
        mapped(in: store, value: value, named: named) { try transform($1) }
    }

    /// Each row with another value, made from the key and the value.
    ///
    ///     let labels = users.mapValues { id, user in "\(id): \(user.name)" }
    ///
    /// Kafka: `mapValues` with a `ValueMapperWithKey`.
    @inlinable
    public func mapValues<NewValue>(
        in store: Materialized? = nil, value: Serde<NewValue>? = nil, named: String? = nil,
        _ transform: @escaping @Sendable (Key, Value) throws -> NewValue?
    ) -> KTable<Key, NewValue> {
        mapped(in: store, value: value, named: named, transform)
    }

    @inlinable
    func mapped<NewValue>(
        in store: Materialized?, value: Serde<NewValue>?, named: String?,
        _ derive: @escaping @Sendable (Key, Value) throws -> NewValue?
    ) -> KTable<Key, NewValue> {
        derived("KTABLE-MAPVALUES-", in: store, value: value, named: named) { storeName in
            let view = DerivedTableView(view, store: storeName, isVersioned: store?.isVersioned ?? false, derive: derive)
            return (
                view,
                { assembly in
                    let node = try DerivedTableNode(
                        store: storeName, sendsOldValues: view.sendsOldValues, dropsEmptyUpdates: false, assembly, derive: derive)
                    return NodeInput { (record: Record<Key, Change<Value>>) in try node.receive(record) }
                }
            )
        }
    }
}
