/// One thing that a logical node writes to the topology.
///
/// Most operators are a list of these. Steps are written in order, so a step may name what an earlier one added.
public enum PlanStep: Sendable {
    /// A processor. Without `parents` it follows the node's logical parents. The `stores` must be there already: declared by an earlier
    /// step or node.
    case processor(String, parents: [String]? = nil, stores: [String] = [], payload: any Sendable)
    /// A source that reads `topic`, which is external unless an `internalTopic` of the name is declared.
    case source(String, topic: String, payload: any Sendable)
    /// A sink that writes to a topic. Without `parents` it follows the node's logical parents.
    case sink(String, to: SinkTarget, parents: [String]? = nil, payload: any Sendable)
    /// A topic that the app creates for itself.
    case internalTopic(InternalTopic)
    /// A store, connected to the processors named.
    case store(StoreDeclaration, processors: [String])
    /// Connects a processor to stores that other nodes declared.
    case connect(String, stores: [String])
    /// The topics of these sources must have equally many partitions, and the same key must be in the same partition of each.
    case copartition(sources: [String])
    /// The stores must be versioned ones that remember at least this many milliseconds, for a join that looks rows up in the past.
    case requireHistory(stores: [String], milliseconds: Int64)
}

/// Where a sink writes.
public enum SinkTarget: Hashable, Sendable {
    /// Always to this topic.
    case topic(String)
    /// To a topic that is computed for each record.
    case dynamic
}
