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
    @inlinable
    public func to(
        _ topic: String, key: Serde<Key>? = nil, value: Serde<Value>? = nil, partitioner: Partitioner<Key, Value>? = nil,
        named: String? = nil
    ) {
        let name = builder.name(named, prefix: "KSTREAM-SINK-")
        let payload = NodePayload.sink(
            to: topic, key: builder.serde(key ?? keySerde, for: "the keys of topic \(topic)"),
            value: builder.serde(value ?? valueSerde, for: "the values of topic \(topic)"), partitioner: partitioner)
        builder.addSink(name, to: topic, behind: node, payload)
    }

    /// Writes each record to the topic that `topic` names for it; the topics must exist.
    ///
    ///     alerts.to { alert in "alerts-\(alert.value.severity)" }
    ///
    /// Kafka: `to(TopicNameExtractor)`.
    @inlinable
    public func to(
        key: Serde<Key>? = nil, value: Serde<Value>? = nil, partitioner: Partitioner<Key, Value>? = nil, named: String? = nil,
        choosing topic: @escaping @Sendable (Record<Key, Value>) throws -> String
    ) {
        let name = builder.name(named, prefix: "KSTREAM-SINK-")
        let payload = NodePayload.sink(
            choosing: topic, key: builder.serde(key ?? keySerde, for: "the keys that \(name) writes"),
            value: builder.serde(value ?? valueSerde, for: "the values that \(name) writes"), partitioner: partitioner)
        builder.addSink(name, to: nil, behind: node, payload)
    }
}

extension StreamsBuilder {
    /// Adds a sink to one topic, or with `nil` to those that are named record by record.
    @usableFromInline
    func addSink(_ name: String, to topic: String?, behind node: LogicalNode, _ payload: NodePayload) {
        if let topic { check(name: topic, of: "topic") }
        let target: SinkTarget = topic.map { .topic($0) } ?? .dynamic
        graph.add(LogicalNode(name, .steps([.sink(name, to: target, payload: payload)])), parents: [node])
    }
}
