import MillraceCore
import MillracePlan

extension KTable {
    /// The rows of this table joined with the rows of another that they point at by a foreign key.
    ///
    ///     let offers = products.join(shops, foreignKey: { _, product in product.shop }) { product, shop in Offer(product, shop) }
    ///
    /// A change of either table changes the result: a change of a row of the other table changes the results of all rows that point at it. Each row tells the other table's
    /// partition which key it points at, through an internal topic, and is answered through another; so the tables need not be partitioned alike.
    ///
    /// A row without a foreign key, or whose foreign key has no row, is not in the result.
    ///
    /// - Parameters:
    ///   - foreignKey: The key of the other table that a row points at. `nil`: none.
    ///   - store: Where to keep the result's rows, if it shall have a store.
    ///   - value: How results are written, where they are; the type's own serde when left out.
    ///   - named: Names the nodes, both topics and the store of the subscriptions, so that they do not depend on generated numbers.
    ///   - partitioner: How this table is partitioned, if not by its keys' bytes: answers come back to the partition that it chooses.
    ///   - otherPartitioner: How the other table is partitioned, if not by its keys' bytes: questions go to the partition that it chooses.
    ///   - joiner: Gets the row of this table and the one it points at. A result of `nil` deletes the row.
    ///
    /// Kafka: `join(KTable, foreignKeyExtractor, …)`, with `TableJoined`.
    @inlinable
    public func join<ForeignKey, Other, Result>(
        _ other: KTable<ForeignKey, Other>, foreignKey: @escaping @Sendable (Key, Value) throws -> ForeignKey?,
        in store: Materialized = .automatic, value: Serde<Result>? = nil, named: String? = nil,
        partitioner: KeyPartitioner<Key>? = nil, otherPartitioner: KeyPartitioner<ForeignKey>? = nil,
        _ joiner: @escaping @Sendable (Value, Other) throws -> Result?
    ) -> KTable<Key, Result> {
        joined(other, foreignKey: foreignKey, keepsUnmatched: false, in: store, value: value, named: named, partitioner, otherPartitioner) {
            value, other in
            guard let other else { return nil }
            return try joiner(value, other)
        }
    }

    /// All rows of this table, joined with the rows of another that they point at by a foreign key, or with `nil` where they point at none.
    ///
    ///     let offers = products.leftJoin(shops, foreignKey: { _, product in product.shop }) { product, shop in Offer(product, shop) }
    ///
    /// Kafka: `leftJoin(KTable, foreignKeyExtractor, …)`.
    @inlinable
    public func leftJoin<ForeignKey, Other, Result>(
        _ other: KTable<ForeignKey, Other>, foreignKey: @escaping @Sendable (Key, Value) throws -> ForeignKey?,
        in store: Materialized = .automatic, value: Serde<Result>? = nil, named: String? = nil,
        partitioner: KeyPartitioner<Key>? = nil, otherPartitioner: KeyPartitioner<ForeignKey>? = nil,
        _ joiner: @escaping @Sendable (Value, Other?) throws -> Result?
    ) -> KTable<Key, Result> {
        joined(
            other, foreignKey: foreignKey, keepsUnmatched: true, in: store, value: value, named: named, partitioner, otherPartitioner,
            joiner)
    }

    @inlinable
    func joined<ForeignKey, Other, Result>(
        _ other: KTable<ForeignKey, Other>, foreignKey: @escaping @Sendable (Key, Value) throws -> ForeignKey?, keepsUnmatched: Bool,
        in store: Materialized, value: Serde<Result>?, named: String?, _ partitioner: KeyPartitioner<Key>?,
        _ otherPartitioner: KeyPartitioner<ForeignKey>?, _ joiner: @escaping @Sendable (Value, Other?) throws -> Result?
    ) -> KTable<Key, Result> {
        _ = other.view.enableOldValues(force: true)
        _ = view.enableOldValues(force: true)
        if let named { builder.check(name: named, of: "join") }
        let names = ForeignKeyJoinNames(named, builder.graph)
        builder.checkIsSame(as: other.builder, at: names.result)
        let storeName = store.name ?? builder.newStoreName("KTABLE-FK-JOIN-OUTPUT-")
        let primary = builder.serde(keySerde, for: "the keys of topic \(names.responseTopic)")
        let foreign = builder.serde(other.keySerde, for: "the keys of topic \(names.subscriptionTopic)")
        let left = builder.serde(valueSerde, for: "the hashes in topic \(names.subscriptionTopic)")
        let right = builder.serde(other.valueSerde, for: "the values of topic \(names.responseTopic)")
        let join = ForeignKeyJoin(
            names: names, keepsUnmatched: keepsUnmatched, primary: primary, foreign: foreign, left: left, right: right,
            partitioner: partitioner, otherPartitioner: otherPartitioner, foreignKey: foreignKey, joiner: joiner)

        let subscribing = join.addSubscribing(to: self)
        let answering = join.addAnswering(to: other, behind: subscribing)
        let resolving = join.addResolving(self, behind: answering)

        let result = TableSourceView<Key, Result>(storeName, store) { [unowned builder] in
            builder.tableStore(
                store, name: storeName, key: primary, value: builder.serde(value, for: "the values of store \(storeName)"))
        }
        let node = builder.addProcessor(
            names.result, parents: [resolving],
            NodePayload { assembly in
                let rows = try TableSourceNode(result, assembly)
                return NodeInput { (record: Record<Key, Result?>) in
                    try rows.receive(record.key, record.value, record.timestamp, record.headers)
                }
            })
        node.outputIsVersioned = store.isVersioned
        result.attach(to: node)
        return KTable<Key, Result>(
            builder: builder, node: node, name: names.result, key: keySerde, value: value, sources: sources.union([names.responseSource]),
            view: result, storeName: store.name)
    }
}
