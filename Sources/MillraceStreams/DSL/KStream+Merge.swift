import MillraceCore
import MillracePlan

extension KStream {
    /// The records of both streams, each stream's in its own order and the two in no order that is promised.
    ///
    ///     web.merge(with: app)
    ///
    /// Kafka: `merge`.
    @inlinable
    public func merge(with other: KStream, named: String? = nil) -> KStream {
        let name = builder.name(named, prefix: "KSTREAM-MERGE-")
        builder.checkIsSame(as: other.builder, at: name)
        let merged = builder.addProcessor(
            name, parents: [node, other.node],
            NodePayload { assembly in NodeInput(try assembly.output(Key.self, Value.self)) }, isMerge: true)
        // Neither serde can be relied on for the other's records.
        return KStream(
            builder: builder, node: merged, name: name, key: nil, value: nil, sources: sources.union(other.sources),
            needsRepartition: needsRepartition || other.needsRepartition)
    }
}
