import MillraceCore
import MillracePlan

extension KStream {
    /// The stream as a join needs it: through a repartition topic if its key may have changed.
    ///
    /// All joins of one stream share a repartition, unless they name theirs.
    ///
    /// - Parameter named: The topic's name without `-repartition`; the name of the stream's node when `nil`.
    func repartitionedForJoin(named: String?, key: Serde<Key>, value: Serde<Value>) -> KStream<Key, Value> {
        guard needsRepartition else { return self }
        let parts = RepartitionParts(base: named ?? name, builder)
        let repartition: LogicalNode
        if let shared = builder.repartitionsForJoins[ObjectIdentifier(node)], named == nil {
            repartition = shared
        } else {
            repartition = LogicalNode(parts.source, .repartition(.repartition(parts, key: key, value: value)))
            builder.graph.add(repartition, parents: [node])
            builder.repartitionsForJoins[ObjectIdentifier(node)] = repartition
        }
        return KStream(
            builder: builder, node: repartition, name: parts.source, key: key, value: value, sources: [repartition.name],
            needsRepartition: false)
    }
}
