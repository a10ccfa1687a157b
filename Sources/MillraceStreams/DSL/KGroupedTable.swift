import MillraceCore
import MillracePlan

/// A table whose rows are brought together by another key, to be counted, reduced or aggregated.
///
/// A row that changes or goes away leaves its group, so each aggregation says also how a value is taken out again.
///
/// Kafka: `KGroupedTable<K, V>`.
public struct KGroupedTable<Key, Value> {
    @usableFromInline let builder: StreamsBuilder
    /// The node that splits updates into losses and gains of groups.
    @usableFromInline let node: LogicalNode
    @usableFromInline let topicName: String?
    @usableFromInline let keySerde: Serde<Key>?
    @usableFromInline let valueSerde: Serde<Value>?
    @usableFromInline let shared = SharedRepartition()

    @inlinable
    init(builder: StreamsBuilder, node: LogicalNode, topicName: String?, key: Serde<Key>?, value: Serde<Value>?) {
        self.builder = builder
        self.node = node
        self.topicName = topicName
        keySerde = key
        valueSerde = value
    }

    /// The table of an aggregation: its repartition topic, its store, its node.
    @inlinable
    func aggregated<Result>(
        in store: Materialized, value: Serde<Result>?, prefix: String, named: String?, _ aggregate: TableAggregate<Key, Value, Result>
    ) -> KTable<Key, Result> {
        let graph = builder.graph
        let storeName = store.name ?? graph.newStoreName("KTABLE-AGGREGATE-")
        let sinkName = builder.name(named, prefix: "KSTREAM-SINK-", suffix: "-sink")
        let sourceName = builder.name(named, prefix: "KSTREAM-SOURCE-", suffix: "-source")
        let name = builder.name(named, prefix: prefix)
        let key = builder.serde(keySerde, for: "the group keys of store \(storeName)")
        let resultSerde = builder.serde(value, for: "the values of store \(storeName)")
        let parent = repartitioned((topicName ?? storeName) + "-repartition", key, sink: sinkName, source: sourceName)
        let declaration = builder.tableStore(store, name: storeName, key: key, value: resultSerde, mayBeMortal: true)
        let view = StoredTableView<Key, Result>(store: storeName, isVersioned: store.isVersioned)
        let node = builder.addProcessor(
            name, parents: [parent],
            NodePayload { assembly in
                let node = try TableAggregateNode(aggregate, store: storeName, sendsOldValues: view.sendsOldValues, assembly)
                return NodeInput { (record: Record<Key, Change<Value>>) in try node.receive(record) }
            }, stores: [declaration])
        node.outputIsVersioned = store.isVersioned
        return KTable(
            builder: builder, node: node, name: name, key: key, value: resultSerde, sources: [sourceName], view: view,
            storeName: store.name)
    }

    /// The trip through the repartition topic, which aggregations of a named grouping share.
    @inlinable
    func repartitioned(_ topic: String, _ key: Serde<Key>, sink: String, source: String) -> LogicalNode {
        if topicName != nil, let node = shared.node {
            // Added again, so that it is written no earlier than Kafka Streams would.
            builder.graph.add(node, parents: [self.node])
            return node
        }
        let changes = builder.serde(valueSerde, for: "the values of repartition topic \(topic)").changes()
        let node = LogicalNode(
            source,
            .repartition(
                Repartition(
                    topic: topic, filter: nil,
                    sink: PlannedPart(sink, payload: NodePayload.sink(to: topic, isInternal: true, key: key, value: changes)),
                    source: PlannedPart(source, payload: SourcePayload(key: key, value: changes)), isMergeable: false)))
        builder.graph.add(node, parents: [self.node])
        shared.node = node
        return node
    }
}

/// The repartition of a grouping, once there is one.
@usableFromInline
final class SharedRepartition {
    @usableFromInline var node: LogicalNode?

    @inlinable
    init() {}
}
