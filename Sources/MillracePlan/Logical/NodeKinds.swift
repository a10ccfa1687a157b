/// A source of the DSL: reads one or more topics. Kafka: `StreamsBuilder.stream`.
public struct SourceNode: Sendable {
    public var topics: [String]
    public var offsetReset: OffsetReset?
    public var payload: any Sendable

    public init(topics: [String], offsetReset: OffsetReset? = nil, payload: any Sendable) {
        self.topics = topics
        self.offsetReset = offsetReset
        self.payload = payload
    }
}

/// A name in the topology and what the engine needs to make the node.
public struct PlannedPart: Sendable {
    public var name: String
    public var payload: any Sendable

    public init(_ name: String, payload: any Sendable = ()) {
        self.name = name
        self.payload = payload
    }
}

/// A table read from a topic: a source and the processor that keeps the table. Kafka: `StreamsBuilder.table`.
///
/// The store is not part of it: set `LogicalNode.store` once something needs rows of the table.
public struct TableSource: Sendable {
    public var topic: String
    public var offsetReset: OffsetReset?
    public var source: PlannedPart
    public var processor: PlannedPart

    public init(topic: String, offsetReset: OffsetReset? = nil, source: PlannedPart, processor: PlannedPart) {
        self.topic = topic
        self.offsetReset = offsetReset
        self.source = source
        self.processor = processor
    }
}

/// A store that every instance fills from all partitions of a topic. Kafka: `globalTable` and `addGlobalStore`.
public struct GlobalTableSource: Sendable {
    public var topic: String
    public var source: PlannedPart
    public var processor: PlannedPart
    public var store: StoreDeclaration

    public init(topic: String, source: PlannedPart, processor: PlannedPart, store: StoreDeclaration) {
        self.topic = topic
        self.source = source
        self.processor = processor
        self.store = store
    }
}

/// A trip through a topic of the app's own, so that equal keys meet in one partition.
///
/// It is three nodes: a filter that drops records without a key, a sink, and a source in the next subtopology. Kafka's
/// `OptimizableRepartitionNode`, `UnoptimizableRepartitionNode` and `GroupedTableOperationRepartitionNode` (the last has no filter).
public struct Repartition: Sendable {
    /// The topic's name without the application id.
    public var topic: String
    /// The number of partitions, when the program fixes it.
    public var partitions: Int?
    /// The filter for null keys. Whether it lets them pass is in `PhysicalNode.passesNullKeys`.
    public var filter: PlannedPart?
    public var sink: PlannedPart
    public var source: PlannedPart
    /// Whether `mergeRepartitionTopics` may replace it, which the user forbids by naming a partitioner or a partition count.
    public var isMergeable: Bool

    public init(
        topic: String, partitions: Int? = nil, filter: PlannedPart?, sink: PlannedPart, source: PlannedPart, isMergeable: Bool
    ) {
        self.topic = topic
        self.partitions = partitions
        self.filter = filter
        self.sink = sink
        self.source = source
        self.isMergeable = isMergeable
    }
}

/// The part of a stream-stream join after its two windowing nodes, which are logical nodes of their own. Kafka: `StreamStreamJoinNode`.
public struct StreamStreamJoin: Sendable {
    /// The names of the two nodes that put records into the stores.
    public var leftWindowed: String
    public var rightWindowed: String
    /// The node that looks left records up in the right store.
    public var leftJoin: PlannedPart
    /// The node that looks right records up in the left store.
    public var rightJoin: PlannedPart
    /// The node in which both sides' results meet.
    public var merge: PlannedPart
    public var leftStore: StoreDeclaration
    public var rightStore: StoreDeclaration
    /// Where left and outer joins keep records that have not found a partner yet.
    public var outerStore: StoreDeclaration?
    /// What takes the place of both join nodes and the merge when a stream is joined with itself; it bears the name of `merge`.
    public var selfJoinPayload: any Sendable

    public init(
        leftWindowed: String, rightWindowed: String, leftJoin: PlannedPart, rightJoin: PlannedPart, merge: PlannedPart,
        leftStore: StoreDeclaration, rightStore: StoreDeclaration, outerStore: StoreDeclaration? = nil, selfJoinPayload: any Sendable
    ) {
        self.leftWindowed = leftWindowed
        self.rightWindowed = rightWindowed
        self.leftJoin = leftJoin
        self.rightJoin = rightJoin
        self.merge = merge
        self.leftStore = leftStore
        self.rightStore = rightStore
        self.outerStore = outerStore
        self.selfJoinPayload = selfJoinPayload
    }
}
