import MillraceCore
import MillracePlan

/// What the results of a cogrouping belong to.
@usableFromInline
enum CogroupedRows<Key, Result>: Sendable {
    case perKey
    case perWindow(FixedWindows)
    case perSession(SessionWindows, SessionMerger<Key, Result>)
}

/// One stream of a cogrouping, with the type of its values erased.
@usableFromInline
struct CogroupedInput<Key, Result> {
    @usableFromInline let grouping: ObjectIdentifier
    @usableFromInline let keySerde: Serde<Key>?
    /// Whether the aggregator can do without an initial result.
    @usableFromInline let beginsFromNil: Bool
    @usableFromInline let repartitioned: (_ store: String, _ existing: LogicalNode?) -> (node: LogicalNode, sources: Set<String>)
    /// Makes the node that folds the stream's values.
    @usableFromInline let payload:
        (
            _ rows: CogroupedRows<Key, Result>, _ store: String, _ initial: @escaping @Sendable () throws -> Result?,
            _ sendsOldValues: @escaping @Sendable () -> Bool
        ) -> NodePayload

    @inlinable
    init<Value>(_ grouping: Grouping<Key, Value>, _ aggregator: @escaping @Sendable (Key, Value, Result) throws -> Result?) {
        self.init(grouping, beginsFromNil: false) { key, value, result in
            guard let result else { return nil }
            return try aggregator(key, value, result)
        }
    }

    @inlinable
    init<Value>(_ grouping: Grouping<Key, Value>, fromNil aggregator: @escaping @Sendable (Key, Value, Result?) throws -> Result?) {
        self.init(grouping, beginsFromNil: true, aggregator)
    }

    @inlinable
    init<Value>(
        _ grouping: Grouping<Key, Value>, beginsFromNil: Bool,
        _ aggregator: @escaping @Sendable (Key, Value, Result?) throws -> Result?
    ) {
        self.grouping = ObjectIdentifier(grouping)
        self.beginsFromNil = beginsFromNil
        keySerde = grouping.keySerde
        repartitioned = { grouping.repartitioned(forStore: $0, sharing: $1) }
        let (inlet, valueSerde) = (grouping.inlet, grouping.valueSerde)
        payload = { rows, store, initial, sendsOldValues in
            let isNull = valueSerde.flatMap { serde in serde.allowsNull ? { @Sendable in serde.isNull($0) } : nil }
            let aggregate = StreamAggregate<Key, Value, Result>(
                initial: initial,
                apply: { key, value, result in
                    let result = try result ?? initial()
                    return try aggregator(key, value, result)
                })
            return NodePayload { assembly in
                let context = AggregateContext(store: store, sendsOldValues: sendsOldValues(), isNull: isNull)
                switch rows {
                case .perKey:
                    let node = try StreamAggregateNode(aggregate, context, assembly)
                    return inlet { try node.receive($0, $1, $2, $3) }
                case .perWindow(.grid(let grid)):
                    let node = try WindowAggregateNode(aggregate, grid, context, assembly)
                    return inlet { try node.receive($0, $1, $2, $3) }
                case .perWindow(.sliding(let windows)):
                    let node = try SlidingAggregateNode(aggregate, windows, context, assembly)
                    return inlet { try node.receive($0, $1, $2, $3) }
                case .perSession(let windows, let merge):
                    let node = try SessionAggregateNode(aggregate, merging: merge, windows, context, assembly)
                    return inlet { try node.receive($0, $1, $2, $3) }
                }
            }
        }
    }
}

/// The streams of a cogrouping, and what its aggregations share.
///
/// Kafka: `CogroupedStreamAggregateBuilder`.
@usableFromInline
struct Cogrouping<Key, Result> {
    @usableFromInline let builder: StreamsBuilder
    @usableFromInline var inputs: [CogroupedInput<Key, Result>]
    @usableFromInline let repartitions: SharedRepartitions

    /// The repartition of each stream, made by the first aggregation that needs it.
    @usableFromInline
    final class SharedRepartitions {
        @usableFromInline var nodes: [ObjectIdentifier: LogicalNode] = [:]

        @usableFromInline
        init() {}
    }

    @inlinable
    init<Value>(_ grouping: Grouping<Key, Value>, _ input: CogroupedInput<Key, Result>) {
        builder = grouping.builder
        inputs = [input]
        repartitions = SharedRepartitions()
    }

    @inlinable
    func adding(_ input: CogroupedInput<Key, Result>) -> Cogrouping {
        var cogrouping = self
        if let index = inputs.firstIndex(where: { $0.grouping == input.grouping }) {
            cogrouping.inputs[index] = input
        } else {
            cogrouping.inputs.append(input)
        }
        return cogrouping
    }

    @usableFromInline
    func checkAllBeginFromNil() {
        guard inputs.contains(where: { !$0.beginsFromNil }) else { return }
        builder.fail("An aggregator of a cogrouping needs a result to begin with. Give aggregate an initial one, or use cogroup(fromNil:).")
    }

    @usableFromInline
    func storeName(_ store: Materialized) -> String {
        guard let name = store.name else { return builder.newStoreName("COGROUPKSTREAM-AGGREGATE-") }
        builder.check(name: name, of: "store")
        return name
    }

    /// How long a windowed store keeps its rows.
    @usableFromInline
    func retention(of store: Materialized, name: String, atLeast least: Int64) -> Int64 {
        let retention = store.retention?.milliseconds ?? least
        if retention < least {
            builder.fail(
                "Store \(name) keeps windows for \(retention) ms, but records may change them for \(least) ms. Raise the retention.",
                kind: .configuration)
        }
        return retention
    }

    /// Adds a node for each stream and one in which their results meet; the nodes share a store.
    @usableFromInline
    func table<RowKey>(
        _ store: Materialized, name storeName: String, value: Serde<Result>?, named: String?, view: TableView<RowKey, Result>,
        isVersioned: Bool, grace: Int64?, key rowKey: (Serde<Key>) -> Serde<RowKey>,
        declare: (Serde<Key>, Serde<Result>) -> StoreDeclaration, _ rows: CogroupedRows<Key, Result>,
        _ initial: @escaping @Sendable () throws -> Result?
    ) -> KTable<RowKey, Result> {
        let key = builder.serde(inputs.lazy.compactMap(\.keySerde).first, for: "the keys of store \(storeName)")
        let value = builder.serde(value, for: "the values of store \(storeName)")
        let declaration = declare(key, value)
        var sources: Set<String> = []
        let parents = inputs.map { input in
            let parent = input.repartitioned(storeName, repartitions.nodes[input.grouping])
            repartitions.nodes[input.grouping] = parent.node
            sources.formUnion(parent.sources)
            return parent.node
        }
        builder.graph.copartition(sources.sorted())
        let nodes = zip(inputs, parents).enumerated().map { index, input in
            let name = builder.name(named, prefix: "COGROUPKSTREAM-AGGREGATE-", suffix: "-cogroup-agg-\(index)")
            let payload = input.0.payload(rows, storeName, initial) { view.sendsOldValues }
            let node = builder.addProcessor(
                name, parents: [input.1], payload, stores: index == 0 ? [declaration] : [], connecting: index == 0 ? [] : [storeName])
            node.outputIsVersioned = isVersioned
            node.windowGrace = grace
            return node
        }
        let name = builder.name(named, prefix: "COGROUPKSTREAM-MERGE-", suffix: "-cogroup-merge")
        let merge = builder.addProcessor(
            name, parents: nodes, NodePayload { NodeInput(try $0.output(RowKey.self, Change<Result>.self)) })
        return KTable(
            builder: builder, node: merge, name: name, key: rowKey(key), value: value, sources: sources, view: view,
            storeName: store.name)
    }
}
