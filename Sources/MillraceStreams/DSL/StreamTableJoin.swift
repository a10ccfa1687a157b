import MillraceCore
import MillracePlan

/// How a join with a table takes the records of a stream.
@usableFromInline
struct JoinInlet<Key, Value, TableKey, Left>: Sendable {
    /// Where the row of a record is; `nil` for a record without a key.
    @usableFromInline let rowKey: @Sendable (Key) -> TableKey?
    /// The value without its optional; `nil` for a record without a value.
    @usableFromInline let left: @Sendable (Value) -> Left?

    @inlinable
    init(rowKey: @escaping @Sendable (Key) -> TableKey?, left: @escaping @Sendable (Value) -> Left?) {
        self.rowKey = rowKey
        self.left = left
    }

    @inlinable
    static func plain() -> JoinInlet where Key == TableKey, Value == Left {
        JoinInlet(rowKey: { $0 }, left: { $0 })
    }

    @inlinable
    static func optionalValues() -> JoinInlet where Key == TableKey, Value: Nullable, Left == Value.Wrapped {
        JoinInlet(rowKey: { $0 }, left: \.optional)
    }

    @inlinable
    static func optionalKeys() -> JoinInlet where Key: Nullable, TableKey == Key.Wrapped, Value == Left {
        JoinInlet(rowKey: \.optional, left: { $0 })
    }

    @inlinable
    static func optional() -> JoinInlet where Key: Nullable, TableKey == Key.Wrapped, Value: Nullable, Left == Value.Wrapped {
        JoinInlet(rowKey: \.optional, left: \.optional)
    }
}

extension KStream {
    /// The stream of a join with a table: repartitioned if need be, co-partitioned with the table, and with a buffer if records are held back.
    @inlinable
    func joined<TableKey, Left, Row, Result>(
        _ table: KTable<TableKey, Row>, _ grace: Duration?, key: Serde<Key>?, value: Serde<Value>?, _ named: String?,
        _ inlet: JoinInlet<Key, Value, TableKey, Left>, _ joiner: RowJoiner<Key, Left, Row, Result>
    ) -> KStream<Key, Result> {
        let stream = repartitioned(forJoinNamed: named, key: key, value: value)
        let view = table.view
        return joined(stream, table, grace, key: key, value: value, named, keepsUnmatched: joiner.keepsUnmatched) { buffer in
            NodePayload { assembly in
                let node = try StreamTableJoinNode<Key, Left, TableKey, Row, Result>(view.makeLookup(assembly), joiner, assembly)
                let site = assembly.site
                if let buffer { return try node.heldBack(in: buffer, inlet, assembly) }
                return NodeInput { (record: Record<Key, Value>) in
                    guard let value = inlet.left(record.value) else { return site.drop(.nullValue) }
                    try node.receive(record.key, at: inlet.rowKey(record.key), value, record.timestamp, record.headers)
                }
            }
        }
    }

    /// - Parameter payload: Makes the node; gets the name of the store of the records that are held back, if any are.
    @inlinable
    func joined<TableKey, Row, Result>(
        _ stream: KStream, _ table: KTable<TableKey, Row>, _ grace: Duration?, key: Serde<Key>?, value: Serde<Value>?, _ named: String?,
        keepsUnmatched: Bool, _ payload: (String?) -> NodePayload
    ) -> KStream<Key, Result> {
        let sources = stream.sources.union(table.sources)
        builder.graph.copartition(sources.sorted())
        let name = builder.name(named, prefix: keepsUnmatched ? "KSTREAM-LEFTJOIN-" : "KSTREAM-JOIN-")
        builder.checkIsSame(as: table.builder, at: name)
        let stores = table.view.lookupStores
        let buffer = grace.map { stream.graceBuffer(for: name, table, $0, key: key, value: value) }
        var steps: [PlanStep] = [.processor(name, payload: payload(buffer)), .connect(name, stores: stores)]
        if let buffer, let grace {
            steps.append(.connect(name, stores: [buffer]))
            steps.append(.requireHistory(stores: stores, milliseconds: grace.milliseconds))
        }
        let node = LogicalNode(name, .steps(steps), allowsNullKey: keepsUnmatched)
        builder.graph.add(node, parents: [stream.node])
        return KStream<Key, Result>(
            builder: builder, node: node, name: name, key: key ?? keySerde, value: nil, sources: sources, needsRepartition: false)
    }

    @inlinable
    func repartitioned(forJoinNamed named: String?, key: Serde<Key>?, value: Serde<Value>?) -> KStream {
        guard needsRepartition else { return self }
        let topic = (named ?? name) + "-repartition"
        return repartitionedForJoin(
            named: named, key: builder.serde(key ?? keySerde, for: "the keys of repartition topic \(topic)"),
            value: builder.serde(value ?? valueSerde, for: "the values of repartition topic \(topic)"))
    }

    /// Declares the store of the records that a join holds back.
    ///
    /// - Returns: Its name.
    @inlinable
    func graceBuffer<TableKey, Row>(
        for join: String, _ table: KTable<TableKey, Row>, _ grace: Duration, key: Serde<Key>?, value: Serde<Value>?
    ) -> String {
        let name = join + "-Buffer"
        if table.node.outputIsVersioned == false {
            builder.fail(
                "The join \(join) has a grace period, for which it looks rows up in the past, but its table keeps no history. Give the table a versioned store, or leave the grace period out.",
                kind: .configuration, node: join)
        }
        if grace.milliseconds < 0 {
            builder.fail("The join \(join) has a negative grace period of \(grace).", kind: .configuration, node: join)
        }
        let keySerde = builder.serde(key ?? self.keySerde, for: "the keys of store \(name)")
        let valueSerde = builder.serde(value ?? self.valueSerde, for: "the values of store \(name)")
        builder.graph.addStore(.graceBuffer(name, grace: grace.milliseconds, key: keySerde, value: valueSerde))
        return name
    }
}
