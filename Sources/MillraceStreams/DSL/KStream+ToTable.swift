import MillraceCore
import MillracePlan

extension KStream {
    /// A table of the latest value of each key, every record being an update.
    ///
    ///     let profiles = signups.selectKey { _, signup in signup.user }.toTable(in: "profiles")
    ///
    /// In a stream whose values may be `nil`, a record without one deletes the row; one without a key is dropped and counted as `nullKey`. Where the key may have changed since
    /// the records were read, they go through a repartition topic first. The rows are kept only when the store has a name, or when an operator behind looks them up.
    ///
    /// Kafka: `toTable`.
    @inlinable @discardableResult
    public func toTable(in store: Materialized = .automatic, named: String? = nil) -> KTable<Key, Value> {
        table(in: store, key: keySerde, value: valueSerde, named: named, plainRows)
    }

    /// A table of the latest value of each key, written with these serdes.
    @inlinable @discardableResult
    public func toTable(
        in store: Materialized = .automatic, key: Serde<Key>, value: Serde<Value>, named: String? = nil
    ) -> KTable<Key, Value> {
        table(in: store, key: key, value: value, named: named, plainRows)
    }
}

extension KStream where Value: Nullable {
    /// A table of the latest value of each key; `nil` deletes a row.
    @inlinable @discardableResult
    public func toTable(in store: Materialized = .automatic, named: String? = nil) -> KTable<Key, Value.Wrapped> {
        table(in: store, key: keySerde, value: valueSerde.map(Value.wrapped), named: named, deletableRows)
    }

    /// A table of the latest value of each key; `nil` deletes a row.
    @inlinable @discardableResult
    public func toTable(
        in store: Materialized = .automatic, key: Serde<Key>, value: Serde<Value.Wrapped>, named: String? = nil
    ) -> KTable<Key, Value.Wrapped> {
        table(in: store, key: key, value: value, named: named, deletableRows)
    }
}

extension KStream where Key: Nullable {
    /// A table of the latest value of each key. Records without a key are dropped.
    @inlinable @discardableResult
    public func toTable(in store: Materialized = .automatic, named: String? = nil) -> KTable<Key.Wrapped, Value> {
        table(in: store, key: keySerde.map(Key.wrapped), value: valueSerde, named: named, keyedRows)
    }

    /// A table of the latest value of each key. Records without a key are dropped.
    @inlinable @discardableResult
    public func toTable(
        in store: Materialized = .automatic, key: Serde<Key.Wrapped>, value: Serde<Value>, named: String? = nil
    ) -> KTable<Key.Wrapped, Value> {
        table(in: store, key: key, value: value, named: named, keyedRows)
    }
}

extension KStream where Key: Nullable, Value: Nullable {
    /// A table of the latest value of each key; `nil` deletes a row. Records without a key are dropped.
    @inlinable @discardableResult
    public func toTable(in store: Materialized = .automatic, named: String? = nil) -> KTable<Key.Wrapped, Value.Wrapped> {
        table(
            in: store, key: keySerde.map(Key.wrapped), value: valueSerde.map(Value.wrapped), named: named,
            keyedDeletableRows)
    }

    /// A table of the latest value of each key; `nil` deletes a row. Records without a key are dropped.
    @inlinable @discardableResult
    public func toTable(
        in store: Materialized = .automatic, key: Serde<Key.Wrapped>, value: Serde<Value.Wrapped>, named: String? = nil
    ) -> KTable<Key.Wrapped, Value.Wrapped> {
        table(in: store, key: key, value: value, named: named, keyedDeletableRows)
    }
}

/// How the records of a stream are rows of a table of these types.
@usableFromInline
struct RowForm<Key, Value, RowKey, Row>: Sendable {
    /// The serde of the stream's keys from that of the table's.
    @usableFromInline let streamKey: @Sendable (Serde<RowKey>) -> Serde<Key>
    /// The serde of the stream's values from that of the table's.
    @usableFromInline let streamValue: @Sendable (Serde<Row>) -> Serde<Value>
    /// Makes the inside of a node that takes the stream's records, from a body that takes them apart.
    @usableFromInline let inlet: @Sendable (@escaping GroupBody<RowKey, Row?>) -> NodeInput

    @inlinable
    init(
        streamKey: @escaping @Sendable (Serde<RowKey>) -> Serde<Key>, streamValue: @escaping @Sendable (Serde<Row>) -> Serde<Value>,
        inlet: @escaping @Sendable (@escaping GroupBody<RowKey, Row?>) -> NodeInput
    ) {
        self.streamKey = streamKey
        self.streamValue = streamValue
        self.inlet = inlet
    }
}

extension KStream {
    @inlinable var plainRows: RowForm<Key, Value, Key, Value> {
        RowForm(streamKey: { $0 }, streamValue: { $0 }) { body in
            NodeInput { (record: Record<Key, Value>) in try body(record.key, record.value, record.timestamp, record.headers) }
        }
    }

    @inlinable
    func table<RowKey, Row>(
        in store: Materialized, key: Serde<RowKey>?, value: Serde<Row>?, named: String?, _ form: RowForm<Key, Value, RowKey, Row>
    ) -> KTable<RowKey, Row> {
        let builder = self.builder
        let name = builder.name(named, prefix: "KSTREAM-TOTABLE-")
        let storeName = store.name ?? builder.newStoreName("KSTREAM-TOTABLE-")
        var parent = node
        var sources = self.sources
        if needsRepartition {
            let parts = RepartitionParts(base: name, builder)
            let repartition = Repartition.repartition(
                parts, key: form.streamKey(builder.serde(key, for: "the keys of repartition topic \(parts.topic)")),
                value: form.streamValue(builder.serde(value, for: "the values of repartition topic \(parts.topic)")))
            parent = LogicalNode(parts.source, .repartition(repartition))
            builder.graph.add(parent, parents: [node])
            sources = [parts.source]
        }
        let view = TableSourceView<RowKey, Row>(storeName, store) { [unowned builder] in
            builder.tableStore(
                store, name: storeName, key: builder.serde(key, for: "the keys of store \(storeName)"),
                value: builder.serde(value, for: "the values of store \(storeName)"), mayBeMortal: true)
        }
        let inlet = form.inlet
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

extension KStream where Value: Nullable {
    @inlinable var deletableRows: RowForm<Key, Value, Key, Value.Wrapped> {
        RowForm(streamKey: { $0 }, streamValue: Value.optional) { body in
            NodeInput { (record: Record<Key, Value>) in try body(record.key, record.value.optional, record.timestamp, record.headers) }
        }
    }
}

extension KStream where Key: Nullable {
    @inlinable var keyedRows: RowForm<Key, Value, Key.Wrapped, Value> {
        RowForm(streamKey: Key.optional, streamValue: { $0 }) { body in
            NodeInput { (record: Record<Key, Value>) in try body(record.key.optional, record.value, record.timestamp, record.headers) }
        }
    }
}

extension KStream where Key: Nullable, Value: Nullable {
    @inlinable var keyedDeletableRows: RowForm<Key, Value, Key.Wrapped, Value.Wrapped> {
        RowForm(streamKey: Key.optional, streamValue: Value.optional) { body in
            NodeInput { (record: Record<Key, Value>) in
                try body(record.key.optional, record.value.optional, record.timestamp, record.headers)
            }
        }
    }
}
