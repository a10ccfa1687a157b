/// What the engine runs: the nodes of all subtopologies, the topics between them and their stores.
///
/// Names of internal topics are without the application id; the engine puts it and a dash before them.
public struct PhysicalTopology: Sendable {
    /// The parts that are connected by topics only. A task is one of these for one partition. Ids are not always consecutive: global
    /// stores have ids too.
    public var subtopologies: [Subtopology]
    /// The stores that each instance fills from whole topics.
    public var globalStores: [GlobalStore]
    /// Every topic that the app creates for itself to send records between its subtopologies, by name. Changelogs are with their stores.
    public var internalTopics: [String: InternalTopic]
    /// Stores that were declared but that no processor uses. They are not made, as in Kafka; it may be worth a warning.
    public var unusedStores: [String]
    /// After how many milliseconds without a record time goes on with the clock; `nil`: never.
    public var idleness: Int64?

    /// Whether records go to or come from this topic within the app only, so that its real name begins with the application id.
    public func isInternal(_ topic: String) -> Bool {
        internalTopics[topic] != nil
    }
}

/// Nodes that must run together, since records go from one to the other or because they share a store.
public struct Subtopology: Sendable {
    /// Kafka's number of it, the first half of a task's id.
    public var id: Int
    /// Parents before children, in the order in which they were added.
    public var nodes: [PhysicalNode]
    /// The topics its tasks read, internal ones too, in the order of the nodes.
    public var sourceTopics: [String]
    /// The topics it writes to, as far as they are known before the first record.
    public var sinkTopics: [String]
    /// Those of its source topics that the app creates.
    public var internalTopics: [InternalTopic]
    /// In the order in which nodes use them.
    public var stores: [PlannedStore]
    /// Source topics that must have equally many partitions. A topic is in at most one group; a topic in none may have any number.
    public var copartitionGroups: [[String]]
    /// The same as Kafka Streams tells a group's coordinator: with groups of one topic, in the order of the calls that made them.
    public var declaredCopartitions: [[String]] = []
}

/// A store of a subtopology, and where its changes are kept.
public struct PlannedStore: Sendable {
    /// Where a store's changes are kept, so that it can be restored.
    public enum Changelog: Hashable, Sendable {
        /// Nowhere.
        case none
        /// In a topic of its own; the name is without the application id.
        case own(topic: String)
        /// In the topic that the table is read from, which the app does not write.
        case sourceTopic(String)
    }

    public var declaration: StoreDeclaration
    public var changelog: Changelog
}

/// A store that each instance fills from all partitions of a topic. It has no changelog, since the topic is one.
public struct GlobalStore: Sendable {
    /// Kafka numbers global stores together with subtopologies.
    public var id: Int
    public var topic: String
    public var source: PhysicalNode
    public var processor: PhysicalNode
    public var store: StoreDeclaration
}
