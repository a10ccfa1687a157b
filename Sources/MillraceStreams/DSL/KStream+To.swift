import MillraceCore
import MillracePlan

extension KStream {
    /// Writes the records to a topic, which must exist.
    ///
    ///     counts.toStream().to("word-counts")
    ///
    /// Keys decide the partition as everywhere in Kafka, unless a partitioner is given; a windowed key counts without its window. Kafka: `to`.
    ///
    /// - Parameters:
    ///   - key: How keys are written; the stream's serde, else the type's own, when left out.
    ///   - value: How values are written; likewise.
    public func to(
        _ topic: String, key: Serde<Key>? = nil, value: Serde<Value>? = nil, partitioner: Partitioner<Key, Value>? = nil,
        named: String? = nil
    ) {
        let name = builder.name(named, prefix: "KSTREAM-SINK-")
        builder.check(name: topic, of: "topic")
        let payload = NodePayload.sink(
            to: topic, key: builder.serde(key ?? keySerde, for: "the keys of topic \(topic)"),
            value: builder.serde(value ?? valueSerde, for: "the values of topic \(topic)"), partitioner: partitioner)
        builder.graph.add(LogicalNode(name, .steps([.sink(name, to: .topic(topic), payload: payload)])), parents: [node])
    }

    /// Writes each record to the topic that `topic` names for it; the topics must exist.
    ///
    ///     alerts.to { alert in "alerts-\(alert.value.severity)" }
    ///
    /// Kafka: `to(TopicNameExtractor)`.
    public func to(
        key: Serde<Key>? = nil, value: Serde<Value>? = nil, partitioner: Partitioner<Key, Value>? = nil, named: String? = nil,
        choosing topic: @escaping @Sendable (Record<Key, Value>) throws -> String
    ) {
        let name = builder.name(named, prefix: "KSTREAM-SINK-")
        let payload = NodePayload.sink(
            choosing: topic, key: builder.serde(key ?? keySerde, for: "the keys that \(name) writes"),
            value: builder.serde(value ?? valueSerde, for: "the values that \(name) writes"), partitioner: partitioner)
        builder.graph.add(LogicalNode(name, .steps([.sink(name, to: .dynamic, payload: payload)])), parents: [node])
    }
}
