import MillraceCore
import MillracePlan

extension KStream {
    /// Sends the records through a topic of the app's own, partitioned by their keys as they are now.
    ///
    ///     orders.selectKey { _, order in order.customer }.repartition(named: "by-customer", partitions: 32)
    ///
    /// Operators that need equal keys in one partition do this by themselves; do it by hand to choose the number of partitions, and so of tasks, or the partition of each record.
    /// Records without a key are dropped, unless a left or outer join behind has a use for them. Kafka: `repartition`.
    ///
    /// - Parameters:
    ///   - named: Names the topic, `-repartition` appended.
    ///   - partitions: The topic's number of partitions; that of the topics before it when left out.
    ///   - key: How keys are written; the stream's serde, else the type's own, when left out.
    ///   - value: How values are written; likewise.
    ///   - partitioner: Chooses the partition of each record; by the key's bytes when left out.
    public func repartition(
        named: String? = nil, partitions: Int? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil,
        partitioner: Partitioner<Key, Value>? = nil
    ) -> KStream {
        // A given name takes no number here, unlike those of other nodes.
        let name = named ?? builder.graph.newProcessorName("KSTREAM-REPARTITION-")
        builder.check(name: name, of: "repartition topic")
        var parts = RepartitionParts(base: name, builder)
        parts.partitions = partitions
        parts.isMergeable = false
        if let partitions, partitions < 1 {
            builder.fail(
                "Repartition topic \(parts.topic) cannot have \(partitions) partitions. Give at least one, or none for as many as the topics before it have.",
                kind: .configuration, node: name)
        }
        let keySerde = builder.serde(key ?? self.keySerde, for: "the keys of repartition topic \(parts.topic)")
        let valueSerde = builder.serde(value ?? self.valueSerde, for: "the values of repartition topic \(parts.topic)")
        let repartition = LogicalNode(
            parts.source, .repartition(.repartition(parts, key: keySerde, value: valueSerde, partitioner: partitioner)))
        builder.graph.add(repartition, parents: [node])
        return KStream(
            builder: builder, node: repartition, name: parts.source, key: keySerde, value: valueSerde, sources: [parts.source],
            needsRepartition: false)
    }
}
