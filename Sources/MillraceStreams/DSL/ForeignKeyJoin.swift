import MillraceCore
import MillracePlan

/// The nodes of a foreign-key join, from the left table through the right table's partitions and back.
///
///     left table -> send -> [subscription topic] -> receive -> answer -+-> [response topic] -> resolve
///                                                     right table -> update -+
@usableFromInline
struct ForeignKeyJoin<Key, Value, ForeignKey, Other, Result>: Sendable {
    @usableFromInline let names: ForeignKeyJoinNames
    /// Whether it is a left join.
    @usableFromInline let keepsUnmatched: Bool
    @usableFromInline let primary: Serde<Key>
    @usableFromInline let foreign: Serde<ForeignKey>
    @usableFromInline let left: Serde<Value>
    @usableFromInline let right: Serde<Other>
    /// How the left table is partitioned, and the right one, where not by the bytes of their keys.
    @usableFromInline let partitioner: KeyPartitioner<Key>?
    @usableFromInline let otherPartitioner: KeyPartitioner<ForeignKey>?
    @usableFromInline let foreignKey: @Sendable (Key, Value) throws -> ForeignKey?
    @usableFromInline let joiner: @Sendable (Value, Other?) throws -> Result?

    @inlinable
    init(
        names: ForeignKeyJoinNames, keepsUnmatched: Bool, primary: Serde<Key>, foreign: Serde<ForeignKey>, left: Serde<Value>,
        right: Serde<Other>, partitioner: KeyPartitioner<Key>?, otherPartitioner: KeyPartitioner<ForeignKey>?,
        foreignKey: @escaping @Sendable (Key, Value) throws -> ForeignKey?, joiner: @escaping @Sendable (Value, Other?) throws -> Result?
    ) {
        self.names = names
        self.keepsUnmatched = keepsUnmatched
        self.primary = primary
        self.foreign = foreign
        self.left = left
        self.right = right
        self.partitioner = partitioner
        self.otherPartitioner = otherPartitioner
        self.foreignKey = foreignKey
        self.joiner = joiner
    }

    /// Sends subscriptions when rows of the left table change.
    ///
    /// - Returns: The source in which they arrive.
    @inlinable
    func addSubscribing(to table: KTable<Key, Value>) -> LogicalNode {
        let graph = table.builder.graph
        let send = NodePayload { assembly in
            let node = try SubscriptionSendNode<Key, Value, ForeignKey>(
                keepsUnmatched: keepsUnmatched, foreignSerde: foreign, valueSerde: left, assembly, foreignKey: foreignKey)
            return NodeInput { (record: Record<Key, Change<Value>>) in try node.receive(record) }
        }
        let sendNode = LogicalNode(
            names.subscriptionSend, .steps([.processor(names.subscriptionSend, payload: send)]))
        graph.add(sendNode, parents: [table.node])
        let choose = otherPartitioner.map { choose -> Partitioner<ForeignKey?, Subscription<Key>> in
            { key, _, count in try key.flatMap { try choose($0, count) } }
        }
        return through(
            names.subscriptionTopic, sink: names.subscriptionSink, source: names.subscriptionSource, key: foreign.optional,
            value: SubscriptionFormat(primaryKey: primary).serde, partitioner: choose, parents: [sendNode], graph)
    }

    /// Keeps and answers subscriptions, and answers them again when rows of the right table change.
    ///
    /// - Returns: The source in which the answers arrive.
    @inlinable
    func addAnswering(to table: KTable<ForeignKey, Other>, behind subscriptions: LogicalNode) -> LogicalNode {
        let builder = table.builder
        let view = table.view
        builder.graph.copartition(table.sources.union([names.subscriptionSource]).sorted())
        builder.graph.addStore(builder.subscriptionStore(names.subscriptionStore, foreignKey: foreign, primaryKey: primary))
        let store = names.subscriptionStore
        let receive = builder.addProcessor(
            names.subscriptionReceive, parents: [subscriptions], NodePayload { try receiver(store, $0) }, connecting: [store])
        let answer = builder.addProcessor(
            names.subscriptionJoin, parents: [receive],
            NodePayload { assembly in
                let node = try SubscriptionAnswerNode<Key, ForeignKey, Other>(view.makeLookup(assembly), assembly)
                return NodeInput { (record: Record<ForeignKey?, Subscription<Key>>) in try node.receive(record) }
            }, connecting: view.lookupStores)
        let update = builder.addProcessor(
            names.foreignJoin, parents: [table.node],
            NodePayload { assembly in
                let node = try SubscriptionUpdateNode<Key, ForeignKey, Other>(store: store, assembly)
                return NodeInput { (record: Record<ForeignKey, Change<Other>>) in try node.receive(record) }
            }, connecting: [store])
        let choose = partitioner.map { choose -> Partitioner<Key, ForeignKeyAnswer<Other>> in { key, _, count in try choose(key, count) } }
        return through(
            names.responseTopic, sink: names.responseSink, source: names.responseSource, key: primary,
            value: ForeignKeyAnswerFormat(value: right).serde, partitioner: choose ?? { _, answer, _ in answer.primaryPartition },
            parents: [answer, update], builder.graph)
    }

    /// Joins the answers with the rows of the left table.
    @inlinable
    func addResolving(_ table: KTable<Key, Value>, behind answers: LogicalNode) -> LogicalNode {
        table.builder.graph.copartition(table.sources.union([names.responseSource]).sorted())
        let view = table.view
        return table.builder.addProcessor(
            names.resolver, parents: [answers],
            NodePayload { assembly in
                let node = try ForeignKeyResolveNode<Key, Value, Other, Result>(
                    view.makeLookup(assembly), valueSerde: left, keepsUnmatched: keepsUnmatched, assembly, joiner: joiner)
                return NodeInput { (record: Record<Key, ForeignKeyAnswer<Other>>) in try node.receive(record) }
            }, connecting: view.lookupStores)
    }

    /// Keeps each subscription, or forgets it, and sends it on to be answered. Kafka: `SubscriptionReceiveProcessorSupplier`.
    @inlinable
    func receiver(_ name: String, _ assembly: NodeAssembly) throws -> NodeInput {
        let store: SubscriptionStore<ForeignKey, Key> = try assembly.task.store(name)
        let output = try assembly.output(ForeignKey?.self, Subscription<Key>.self)
        let site = assembly.site
        return NodeInput { (record: Record<ForeignKey?, Subscription<Key>>) in
            if let foreign = record.key {
                try store.apply(record.value, to: foreign, record.timestamp, record.headers)
            } else if record.value.instruction != .answerAlways {
                return site.drop(.nullKey)
            }
            try output.send(record)
        }
    }

    /// A trip through an internal topic.
    ///
    /// - Returns: The source behind it.
    @inlinable
    func through<TopicKey, TopicValue>(
        _ topic: String, sink: String, source: String, key: Serde<TopicKey>, value: Serde<TopicValue>,
        partitioner: Partitioner<TopicKey, TopicValue>?, parents: [LogicalNode], _ graph: LogicalGraph
    ) -> LogicalNode {
        let payload = NodePayload.sink(to: topic, isInternal: true, key: key, value: value, partitioner: partitioner)
        let sinkNode = LogicalNode(sink, .steps([.internalTopic(.repartition(topic)), .sink(sink, to: .topic(topic), payload: payload)]))
        graph.add(sinkNode, parents: parents)
        let sourceNode = LogicalNode(
            source, .steps([.source(source, topic: topic, payload: SourcePayload(key: key, value: value))]))
        graph.add(sourceNode, parents: [sinkNode])
        return sourceNode
    }
}
