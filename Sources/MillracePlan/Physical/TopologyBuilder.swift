import MillraceCore

/// A topology as it is put together, node by node: what the DSL writes itself to, and the way around the DSL.
///
/// A node's parents come before it. Every mistake is an error of kind `.topology` right where it is made, or in `build()` where only the
/// whole shows it. Kafka's counterparts are `Topology` and `InternalTopologyBuilder`.
public struct TopologyBuilder: Sendable {
    var nodes: [String: PhysicalNode] = [:]
    /// Names of all nodes, in the order in which they were added.
    var order: [String] = []
    var groups = NodeGroups()
    var stores: [String: StoreDeclaration] = [:]
    /// The processors that use a store.
    var users: [String: [String]] = [:]
    var globalStores: [String: GlobalStoreParts] = [:]
    var internalTopics: [String: InternalTopic] = [:]
    /// Stores whose changelog is a source topic.
    var reusedTopics: [String: String] = [:]
    var copartitionGroups: [[String]] = []
    /// Which source reads a topic.
    var readers: [String: String] = [:]

    struct GlobalStoreParts: Sendable {
        var topic: String
        var source: String
        var processor: String
        var store: StoreDeclaration
    }

    public init() {}

    /// Adds a node that reads topics. Kafka: `Topology.addSource`.
    public mutating func addSource(
        _ name: String, topics: [String], offsetReset: OffsetReset? = nil, payload: any Sendable
    ) throws(MillraceError) {
        guard !topics.isEmpty else {
            throw MillraceError(.topology, "Source \(name) reads no topic. Give it at least one.", node: name)
        }
        try checkIsNew(name)
        for topic in topics { try checkIsUnread(topic, by: name) }
        for topic in topics { readers[topic] = name }
        insert(PhysicalNode(name, .source(topics: topics, offsetReset: offsetReset), payload: payload))
    }

    /// Adds a node that gets the records its parents send on. Kafka: `Topology.addProcessor`.
    public mutating func addProcessor(
        _ name: String, parents: [String], stores: [String] = [], payload: any Sendable
    ) throws(MillraceError) {
        try checkIsNew(name)
        try checkParents(parents, of: name)
        insert(PhysicalNode(name, .processor(stores: []), parents: parents, payload: payload))
        if !stores.isEmpty { try connect(name, stores: stores) }
    }

    /// Adds a node that writes the records its parents send on to a topic. Kafka: `Topology.addSink`.
    public mutating func addSink(
        _ name: String, to target: SinkTarget, parents: [String], payload: any Sendable
    ) throws(MillraceError) {
        try checkIsNew(name)
        try checkParents(parents, of: name)
        insert(PhysicalNode(name, .sink(target), parents: parents, payload: payload))
    }

    /// Adds a topic that the app creates for itself.
    public mutating func addInternalTopic(_ topic: InternalTopic) throws(MillraceError) {
        guard internalTopics[topic.name] == nil else {
            throw MillraceError(
                .topology,
                "Two operations want the internal topic \(topic.name) for themselves. Give one of the repartitions, groupings or "
                    + "joins another name."
            )
        }
        internalTopics[topic.name] = topic
    }

    /// Adds a store and connects it to processors. The same declaration may be added again. Kafka: `Topology.addStateStore`.
    public mutating func addStore(_ store: StoreDeclaration, processors: [String] = []) throws(MillraceError) {
        if let other = stores[store.name], !other.isSame(as: store) {
            throw MillraceError(
                .topology,
                "Store \(store.name) is declared twice, in different ways. Give one of them another name, or use one declaration for both.")
        }
        if let history = store.historyRetention, history < 0 {
            throw MillraceError(
                .configuration, "Store \(store.name) cannot keep a history of \(history) ms. Give a duration that is not negative.")
        }
        if globalStores[store.name] != nil {
            throw MillraceError(.topology, "Store \(store.name) has the name of a global store. Give one of them another name.")
        }
        stores[store.name] = store
        for processor in processors { try connect(processor, stores: [store.name]) }
    }

    /// Lets a processor use stores that were added before. Kafka: `Topology.connectProcessorAndStateStores`.
    public mutating func connect(_ processor: String, stores names: [String]) throws(MillraceError) {
        for name in names { try connect(processor, store: name) }
    }

    /// Demands that the topics of these sources have equally many partitions.
    public mutating func copartition(_ sources: [String]) {
        copartitionGroups.append(sources)
    }

    /// Restores a store from the topic that its table is read from, instead of from a changelog of its own.
    public mutating func useSourceTopic(_ topic: String, asChangelogOf store: String) {
        reusedTopics[store] = topic
    }

    /// Adds a store that every instance fills from all partitions of a topic. Kafka: `Topology.addGlobalStore`.
    ///
    /// It has no changelog, whatever the declaration says: the topic is one. Every processor may read the store without being connected to
    /// it.
    public mutating func addGlobalStore(
        _ store: StoreDeclaration, topic: String, source: PlannedPart, processor: PlannedPart
    ) throws(MillraceError) {
        guard stores[store.name] == nil, globalStores[store.name] == nil else {
            throw MillraceError(.topology, "Global store \(store.name) has the name of another store. Give one of them another name.")
        }
        try checkIsNew(processor.name)
        try addSource(source.name, topics: [topic], payload: source.payload)
        try addProcessor(processor.name, parents: [source.name], payload: processor.payload)
        nodes[processor.name]?.role = .processor(stores: [store.name])
        globalStores[store.name] = GlobalStoreParts(topic: topic, source: source.name, processor: processor.name, store: store)
    }

    /// Writes what a rewrite found out about a node down at the node.
    mutating func note(_ name: String, _ finding: (inout PhysicalNode) -> Void) {
        guard var node = nodes[name] else { return }
        finding(&node)
        nodes[name] = node
    }

    /// Demands that stores are versioned and remember at least so much.
    ///
    /// - Throws: `MillraceError` of kind `.configuration` if one is not or does not.
    public func requireHistory(of names: [String], milliseconds: Int64) throws(MillraceError) {
        for name in names {
            guard let retention = stores[name]?.historyRetention else {
                throw MillraceError(
                    .configuration,
                    "Store \(name) keeps no history, but a join with a grace period looks rows up in the past. Make its table versioned.")
            }
            guard retention >= milliseconds else {
                throw MillraceError(
                    .configuration,
                    "Store \(name) remembers \(retention) ms, but a join looks \(milliseconds) ms back. Raise its history retention "
                        + "or shorten the grace period."
                )
            }
        }
    }
}
