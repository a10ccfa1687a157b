import MillraceCore
import MillracePlan

extension StreamsBuilder {
    /// A table of the latest value of each key of a topic.
    ///
    ///     let limits: KTable<String, Limit> = builder.table("limits", key: .string, value: .json())
    ///
    /// A record without a value deletes the row of its key; one without a key is dropped and counted as `nullKey`. Every record is an update, also one that is older than
    /// the row, unless the store is a versioned one. The rows are kept only when the store has a name, or when an operator behind needs to look them up.
    ///
    /// - Parameters:
    ///   - key: How keys are read; the type's own serde when left out.
    ///   - value: How values are read; the type's own serde when left out.
    ///   - store: Where the rows are kept. A named store can be queried, and processors may connect to it.
    ///   - extractor: Where the time of a record comes from; its own timestamp when left out.
    ///
    /// Kafka: `table`.
    @inlinable @discardableResult
    public func table<Key, Value>(
        _ topic: String, key: Serde<Key>? = nil, value: Serde<Value>? = nil, in store: Materialized = .automatic,
        timestamp extractor: TimestampExtractor<Key?, Value?>? = nil, startingAt reset: OffsetReset? = nil, named: String? = nil
    ) -> KTable<Key, Value> {
        check(name: topic, of: "topic")
        let storeName = store.name ?? newStoreName(topic + "-")
        let sourceName = self.name(named, prefix: "KSTREAM-SOURCE-", suffix: "-source")
        let name = self.name(named, prefix: "KTABLE-SOURCE-")
        let keySerde = serde(key, for: "the keys of \(topic)")
        let valueSerde = serde(value, for: "the values of \(topic)")
        let view = TableSourceView<Key, Value>(storeName, store) { [unowned self] in
            tableStore(store, name: storeName, key: keySerde, value: valueSerde, mayBeMortal: true)
        }
        let source = PlannedPart(
            sourceName, payload: SourcePayload(key: keySerde.optional, value: valueSerde.optional, extractor: extractor))
        let processor = PlannedPart(
            name,
            payload: NodePayload { assembly in
                let node = try TableSourceNode(view, assembly)
                return NodeInput { (record: Record<Key?, Value?>) in
                    try node.receive(record.key, record.value, record.timestamp, record.headers)
                }
            })
        return addTable(topic, reset, source, processor, view, store, key: keySerde, value: valueSerde)
    }

    @usableFromInline
    func addTable<Key, Value>(
        _ topic: String, _ reset: OffsetReset?, _ source: PlannedPart, _ processor: PlannedPart, _ view: TableSourceView<Key, Value>,
        _ store: Materialized, key: Serde<Key>, value: Serde<Value>
    ) -> KTable<Key, Value> {
        let node = LogicalNode(
            processor.name, .tableSource(TableSource(topic: topic, offsetReset: reset, source: source, processor: processor)),
            outputIsVersioned: store.isVersioned)
        graph.add(node, parents: [graph.root])
        view.attach(to: node)
        return KTable(
            builder: self, node: node, name: processor.name, key: key, value: value, sources: [source.name], view: view,
            storeName: store.name)
    }
}
