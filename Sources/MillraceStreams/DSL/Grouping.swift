import MillraceCore
import MillracePlan

/// The stream behind a grouping, with the type of its keys erased: it may have records without a key, the groups may not.
///
/// One grouping can be aggregated several times. Each aggregation gets a repartition topic of its own, named after its store, unless the grouping was given a name: then
/// they share one.
@usableFromInline
final class Grouping<Key, Value> {
    @usableFromInline let builder: StreamsBuilder
    /// The logical node, name and sources of the stream.
    @usableFromInline let node: LogicalNode
    @usableFromInline let name: String
    @usableFromInline let sources: Set<String>
    @usableFromInline let needsRepartition: Bool
    @usableFromInline let topicName: String?
    @usableFromInline let keySerde: Serde<Key>?
    @usableFromInline let valueSerde: Serde<Value>?
    @usableFromInline let makeRepartition: (RepartitionParts) -> Repartition
    @usableFromInline var sharedRepartition: LogicalNode?
    /// Makes the inside of a node that takes the stream's records, from a body that takes their keys as optionals.
    @usableFromInline let inlet: @Sendable (@escaping GroupBody<Key, Value>) -> NodeInput

    @inlinable
    init<StreamKey>(
        _ stream: KStream<StreamKey, Value>, key: Serde<Key>?, value: Serde<Value>?, topicName: String?,
        streamKeySerde: @escaping (Serde<Key>) -> Serde<StreamKey>,
        inlet: @escaping @Sendable (@escaping GroupBody<Key, Value>) -> NodeInput
    ) {
        builder = stream.builder
        node = stream.node
        name = stream.name
        sources = stream.sources
        needsRepartition = stream.needsRepartition
        self.topicName = topicName
        stream.builder.check(topicName: topicName)
        keySerde = key
        valueSerde = value
        self.inlet = inlet
        let builder = stream.builder
        makeRepartition = { parts in
            let key = streamKeySerde(builder.serde(key, for: "the keys of repartition topic \(parts.topic)"))
            return .repartition(parts, key: key, value: builder.serde(value, for: "the values of repartition topic \(parts.topic)"))
        }
    }

    /// The node that an aggregation with this store follows, and the sources of its subtopology: the stream itself, or behind a repartition topic.
    ///
    /// - Parameter existing: The repartition that an earlier aggregation of a cogrouping made, and that all of that cogrouping share.
    @usableFromInline
    func repartitioned(forStore store: String, sharing existing: LogicalNode? = nil) -> (node: LogicalNode, sources: Set<String>) {
        guard needsRepartition else { return (node, sources) }
        let parts = RepartitionParts(base: topicName ?? store, builder)
        if let existing { return (existing, [existing.name]) }
        if let shared = sharedRepartition, topicName != nil { return (shared, [shared.name]) }
        let repartition = LogicalNode(parts.source, .repartition(makeRepartition(parts)))
        builder.graph.add(repartition, parents: [node])
        sharedRepartition = repartition
        return (repartition, [parts.source])
    }
}

/// Takes a record apart: its key if it has one, value, time and headers.
public typealias GroupBody<Key, Value> = (Key?, Value, Timestamp, Headers) throws -> Void

/// The names of the three nodes of a repartition and of its topic. Taking them takes three numbers, as Kafka Streams does even where it then uses none of them.
@usableFromInline
struct RepartitionParts {
    @usableFromInline let topic: String
    @usableFromInline let sink: String
    @usableFromInline let filter: String
    @usableFromInline let source: String
    @usableFromInline var partitions: Int?
    @usableFromInline var isMergeable = true

    @usableFromInline
    init(base: String, _ builder: StreamsBuilder) {
        let topic = base.hasSuffix("-repartition") ? base : base + "-repartition"
        let sink = builder.graph.newProcessorName("KSTREAM-SINK-")
        let filter = builder.graph.newProcessorName("KSTREAM-FILTER-")
        let source = builder.graph.newProcessorName("KSTREAM-SOURCE-")
        let isGenerated = base.hasPrefix("KSTREAM") && RepartitionParts.endsInNumber(base)
        self.topic = topic
        self.sink = isGenerated ? sink : topic + "-sink"
        self.filter = isGenerated ? filter : topic + "-filter"
        self.source = isGenerated ? source : topic + "-source"
    }

    /// Whether a name ends in a dash and ten digits, as generated ones do.
    private static func endsInNumber(_ name: String) -> Bool {
        let tail = name.utf8.suffix(11)
        return tail.count == 11 && tail.first == UInt8(ascii: "-")
            && tail.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

extension Repartition {
    /// A trip through an internal topic of these types.
    @inlinable
    static func repartition<Key, Value>(
        _ parts: RepartitionParts, key: Serde<Key>, value: Serde<Value>, partitioner: Partitioner<Key, Value>? = nil
    ) -> Repartition {
        Repartition(
            topic: parts.topic, partitions: parts.partitions,
            filter: PlannedPart(parts.filter, payload: NodePayload.nullKeyFilter(key, Value.self)),
            sink: PlannedPart(
                parts.sink, payload: NodePayload.sink(to: parts.topic, isInternal: true, key: key, value: value, partitioner: partitioner)),
            source: PlannedPart(parts.source, payload: SourcePayload(key: key, value: value)), isMergeable: parts.isMergeable)
    }
}

extension NodePayload {
    /// Drops records without a key, unless a join behind has a use for them.
    @inlinable
    static func nullKeyFilter<Key, Value>(_ serde: Serde<Key>, _: Value.Type) -> NodePayload {
        NodePayload { assembly in
            let output = try assembly.output(Key.self, Value.self)
            guard serde.allowsNull, !assembly.passesNullKeys else { return NodeInput(output) }
            let site = assembly.site
            return NodeInput { (record: Record<Key, Value>) in
                if serde.isNull(record.key) { return site.drop(.nullKey) }
                try output.send(record)
            }
        }
    }
}

extension Grouping {
    /// The table of an aggregation: its store, its place in the plan, its node.
    @inlinable
    func table<Result>(
        in store: Materialized, value: Serde<Result>?, prefix: String, named: String?,
        _ assemble: @escaping @Sendable (NodeAssembly, AggregateContext<Value>) throws -> NodeInput
    ) -> KTable<Key, Result> {
        let storeName = store.name ?? builder.newStoreName(prefix)
        let name = builder.name(named, prefix: prefix)
        let (parent, sources) = repartitioned(forStore: storeName)
        let resultSerde = builder.serde(value, for: "the values of store \(storeName)")
        let declaration = builder.tableStore(
            store, name: storeName, key: builder.serde(keySerde, for: "the keys of store \(storeName)"), value: resultSerde,
            mayBeMortal: true)
        let isNull = valueSerde.flatMap { serde in serde.allowsNull ? { @Sendable in serde.isNull($0) } : nil }
        return table(
            name, behind: parent, sources, declaration, resultSerde,
            StoredTableView(store: declaration.name, isVersioned: store.isVersioned),
            publicStore: store.name, isNull: isNull, assemble)
    }

    @usableFromInline
    func table<Result>(
        _ name: String, behind parent: LogicalNode, _ sources: Set<String>, _ store: StoreDeclaration, _ resultSerde: Serde<Result>,
        _ view: StoredTableView<Key, Result>, publicStore: String?, isNull: (@Sendable (Value) -> Bool)?,
        _ assemble: @escaping @Sendable (NodeAssembly, AggregateContext<Value>) throws -> NodeInput
    ) -> KTable<Key, Result> {
        let storeName = store.name
        let payload = NodePayload { assembly in
            try assemble(assembly, AggregateContext(store: storeName, sendsOldValues: view.sendsOldValues, isNull: isNull))
        }
        let node = builder.addProcessor(name, parents: [parent], payload, stores: [store])
        node.outputIsVersioned = view.isVersioned
        return KTable(
            builder: builder, node: node, name: name, key: keySerde, value: resultSerde, sources: sources, view: view,
            storeName: publicStore
        )
    }
}
