import MillraceCore
import MillraceFormats
import MillracePlan

extension StreamsBuilder {
    /// The records of a topic.
    ///
    ///     let clicks: KStream<String, Click> = builder.stream("clicks", key: .string, value: .json())
    ///
    /// A record whose key or value is missing (Kafka's null) where its type has no room for that is dropped and counted as `nullKey` or `nullValue`; use an optional type,
    /// such as `Serde.string.optional`, to see it. Bytes that the serde cannot read are a deserialisation error, see `FailurePolicy`.
    ///
    /// - Parameters:
    ///   - key: How keys are read; the type's own serde when left out.
    ///   - value: How values are read; the type's own serde when left out.
    ///   - extractor: Where the time of a record comes from; its own timestamp when left out.
    ///
    /// Kafka: `stream`.
    @inlinable
    public func stream<Key, Value>(
        _ topic: String, key: Serde<Key>? = nil, value: Serde<Value>? = nil, timestamp extractor: TimestampExtractor<Key, Value>? = nil,
        startingAt reset: OffsetReset? = nil, named: String? = nil
    ) -> KStream<Key, Value> {
        stream([topic], key: key, value: value, timestamp: extractor, startingAt: reset, named: named)
    }

    /// The values of a topic whose keys do not matter: they are carried along as bytes, or `nil` where there is none.
    ///
    ///     builder.stream("lines", value: .string).flatMapValues { $0.split(separator: " ") }
    @inlinable
    public func stream<Value>(
        _ topic: String, value: Serde<Value>? = nil, timestamp extractor: TimestampExtractor<[UInt8]?, Value>? = nil,
        startingAt reset: OffsetReset? = nil, named: String? = nil
    ) -> KStream<[UInt8]?, Value> {
        stream([topic], key: Serde.bytes.optional, value: value, timestamp: extractor, startingAt: reset, named: named)
    }

    /// The records of several topics, each topic's in its order.
    @inlinable
    public func stream<Key, Value>(
        _ topics: [String], key: Serde<Key>? = nil, value: Serde<Value>? = nil, timestamp extractor: TimestampExtractor<Key, Value>? = nil,
        startingAt reset: OffsetReset? = nil, named: String? = nil
    ) -> KStream<Key, Value> {
        let name = self.name(named, prefix: "KSTREAM-SOURCE-")
        let keySerde = serde(key, for: "the keys of \(topics.joined(separator: ", "))")
        let valueSerde = serde(value, for: "the values of \(topics.joined(separator: ", "))")
        let node = addSource(
            name, topics, startingAt: reset, SourcePayload(key: keySerde, value: valueSerde, extractor: extractor))
        return KStream(
            builder: self, node: node, name: name, key: keySerde, value: valueSerde, sources: [name], needsRepartition: false)
    }

    @usableFromInline
    func addSource(_ name: String, _ topics: [String], startingAt reset: OffsetReset?, _ payload: SourcePayload) -> LogicalNode {
        for topic in topics { check(name: topic, of: "topic") }
        let node = LogicalNode(name, .source(SourceNode(topics: topics, offsetReset: reset, payload: payload)))
        graph.add(node, parents: [graph.root])
        return node
    }
}

/// Where the time of a record comes from, when not from the record's own timestamp. Kafka: `TimestampExtractor`.
///
///     builder.stream("payments", key: .string, value: .json(Payment.self), timestamp: .init { $0.value.time })
public struct TimestampExtractor<Key, Value>: Sendable {
    @usableFromInline let extract: @Sendable (Record<Key, Value>, _ partitionTime: Timestamp) throws -> Timestamp

    /// - Parameter extract: Gives the time of a record. A negative time drops the record, counted as `invalidTimestamp`.
    public init(_ extract: @escaping @Sendable (Record<Key, Value>) throws -> Timestamp) {
        self.extract = { record, _ in try extract(record) }
    }

    /// - Parameter extract: Gets also the highest time of the partition so far, `.none` before the first record.
    public init(withPartitionTime extract: @escaping @Sendable (Record<Key, Value>, Timestamp) throws -> Timestamp) {
        self.extract = extract
    }
}
