import MillraceCore
import MillracePlan

extension KStream {
    /// The stream as a join needs it: through a repartition topic if its key may have changed.
    ///
    /// All joins of one stream share a repartition, unless they name theirs.
    ///
    /// - Parameter named: The topic's name without `-repartition`; the name of the stream's node when `nil`.
    @inlinable
    func repartitionedForJoin(named: String?, key: Serde<Key>, value: Serde<Value>) -> KStream<Key, Value> {
        repartitionedForJoin(named: named, key, value) { .repartition($0, key: key, value: value) }
    }

    @usableFromInline
    func repartitionedForJoin(
        named: String?, _ key: Serde<Key>, _ value: Serde<Value>, _ repartitioned: (RepartitionParts) -> Repartition
    ) -> KStream<Key, Value> {
        guard needsRepartition else { return self }
        let parts = RepartitionParts(base: named ?? name, builder)
        let repartition: LogicalNode
        if let shared = builder.repartitionsForJoins[ObjectIdentifier(node)], named == nil {
            repartition = shared
        } else {
            repartition = LogicalNode(parts.source, .repartition(repartitioned(parts)))
            builder.graph.add(repartition, parents: [node])
            builder.repartitionsForJoins[ObjectIdentifier(node)] = repartition
        }
        return KStream(
            builder: builder, node: repartition, name: parts.source, key: key, value: value, sources: [repartition.name],
            needsRepartition: false)
    }
}
