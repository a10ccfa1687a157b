import MillraceCore
import MillracePlan

extension KStream {
    /// A table of the latest value of each key, every record being an update.
    ///
    ///     let profiles = signups.selectKey { _, signup in signup.user }.toTable(in: "profiles")
    ///
    /// A record without a value deletes the row; one without a key is dropped and counted as `nullKey`. Where the key may have changed since the records were read, they go
    /// through a repartition topic first. The rows are kept only when the store has a name, or when an operator behind looks them up. Kafka: `toTable`.
    public func toTable(
        in store: Materialized = .automatic, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil
    ) -> KTable<Key, Value> {
        table(in: store, key: key ?? keySerde, value: value ?? valueSerde, named: named, streamKey: { $0 }, streamValue: { $0 }) { body in
            NodeInput { (record: Record<Key, Value>) in try body(record.key, record.value, record.timestamp, record.headers) }
        }
    }

    /// A table of the latest value of each key; `nil` deletes a row.
    public func toTable<Row>(
        in store: Materialized = .automatic, key: Serde<Key>? = nil, value: Serde<Row>? = nil, named: String? = nil
    ) -> KTable<Key, Row> where Value == Row? {
        table(
            in: store, key: key ?? keySerde, value: value ?? valueSerde?.wrapped(), named: named, streamKey: { $0 },
            streamValue: { $0.optional }
        ) { body in
            NodeInput { (record: Record<Key, Row?>) in try body(record.key, record.value, record.timestamp, record.headers) }
        }
    }

    /// A table of the latest value of each key. Records without a key are dropped.
    public func toTable<RowKey>(
        in store: Materialized = .automatic, key: Serde<RowKey>? = nil, value: Serde<Value>? = nil, named: String? = nil
    ) -> KTable<RowKey, Value> where Key == RowKey? {
        table(
            in: store, key: key ?? keySerde?.wrapped(), value: value ?? valueSerde, named: named, streamKey: { $0.optional },
            streamValue: { $0 }
        ) { body in
            NodeInput { (record: Record<RowKey?, Value>) in try body(record.key, record.value, record.timestamp, record.headers) }
        }
    }

    /// A table of the latest value of each key; `nil` deletes a row. Records without a key are dropped.
    public func toTable<RowKey, Row>(
        in store: Materialized = .automatic, key: Serde<RowKey>? = nil, value: Serde<Row>? = nil, named: String? = nil
    ) -> KTable<RowKey, Row> where Key == RowKey?, Value == Row? {
        table(
            in: store, key: key ?? keySerde?.wrapped(), value: value ?? valueSerde?.wrapped(), named: named, streamKey: { $0.optional },
            streamValue: { $0.optional }
        ) { body in
            NodeInput { (record: Record<RowKey?, Row?>) in try body(record.key, record.value, record.timestamp, record.headers) }
        }
    }

    /// - Parameters:
    ///   - streamKey: The serde of the stream's keys from that of the table's.
    ///   - streamValue: The serde of the stream's values from that of the table's.
    ///   - inlet: Makes the inside of a node that takes the stream's records, from a body that takes them apart.
    private func table<RowKey, Row>(
        in store: Materialized, key: Serde<RowKey>?, value: Serde<Row>?, named: String?,
        streamKey: (Serde<RowKey>) -> Serde<Key>, streamValue: (Serde<Row>) -> Serde<Value>,
        inlet: @escaping @Sendable (@escaping GroupBody<RowKey, Row?>) -> NodeInput
    ) -> KTable<RowKey, Row> {
        let builder = self.builder
        let name = builder.name(named, prefix: "KSTREAM-TOTABLE-")
        let storeName = store.name ?? builder.graph.newStoreName("KSTREAM-TOTABLE-")
        var parent = node
        var sources = self.sources
        if needsRepartition {
            let parts = RepartitionParts(base: name, builder)
            let repartition = Repartition.repartition(
                parts, key: streamKey(builder.serde(key, for: "the keys of repartition topic \(parts.topic)")),
                value: streamValue(builder.serde(value, for: "the values of repartition topic \(parts.topic)")))
            parent = LogicalNode(parts.source, .repartition(repartition))
            builder.graph.add(parent, parents: [node])
            sources = [parts.source]
        }
        let view = TableSourceView<RowKey, Row>(storeName, store) { [unowned builder] in
            builder.tableStore(
                store, name: storeName, key: builder.serde(key, for: "the keys of store \(storeName)"),
                value: builder.serde(value, for: "the values of store \(storeName)"))
        }
        let table = builder.addProcessor(
            name, parents: [parent],
            NodePayload { assembly in
                let node = try TableSourceNode(view, assembly)
                return inlet { key, value, timestamp, headers in try node.receive(key, value, timestamp, headers) }
            })
        table.outputIsVersioned = store.isVersioned
        view.attach(to: table)
        return KTable(
            builder: builder, node: table, name: name, key: key, value: value, sources: sources, view: view, storeName: store.name)
    }
}
