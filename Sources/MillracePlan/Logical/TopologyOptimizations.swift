/// The rewrites that change which topics and stores a topology needs, and so are off unless asked for.
///
/// Turning one on or off for an app that already ran changes its internal topics: what the old ones hold is not found again.
/// Kafka's counterpart is the setting `topology.optimization`.
public struct TopologyOptimizations: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// A table that is read from a topic restores from that topic, instead of from a changelog of its own that would hold the same.
    /// Kafka: `reuse.ktable.source.topics`.
    public static let reuseSourceTopics = TopologyOptimizations(rawValue: 1 << 0)
    /// Several repartition topics that follow one change of key become one. Kafka: `merge.repartition.topics`.
    public static let mergeRepartitionTopics = TopologyOptimizations(rawValue: 1 << 1)
    /// A stream joined with itself keeps its records in one store instead of two. Kafka: `single.store.self.join`.
    public static let singleStoreSelfJoin = TopologyOptimizations(rawValue: 1 << 2)

    /// Every optimisation. Kafka: `all`.
    public static let all: TopologyOptimizations = [.reuseSourceTopics, .mergeRepartitionTopics, .singleStoreSelfJoin]
}
