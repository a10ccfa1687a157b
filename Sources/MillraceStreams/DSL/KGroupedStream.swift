import MillraceCore
import MillracePlan

/// A stream whose records are brought together by key, to be counted, reduced or aggregated, as a whole or by windows.
///
/// Kafka: `KGroupedStream<K, V>`.
public struct KGroupedStream<Key, Value> {
    @usableFromInline let grouping: Grouping<Key, Value>
    @inlinable var builder: StreamsBuilder { grouping.builder }

    @inlinable
    init(_ grouping: Grouping<Key, Value>) {
        self.grouping = grouping
    }
}

extension KStream {
    /// Brings the records together by their key.
    ///
    ///     clicks.groupByKey().count(in: "clicks-per-user")
    ///
    /// Where the key may have changed since the records were read, they go through a repartition topic first.
    ///
    /// - Parameter named: Names the repartition topic, so that it does not depend on generated numbers.
    ///
    /// Kafka: `groupByKey`.
    @inlinable @_disfavoredOverload
    public func groupByKey(key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil) -> KGroupedStream<Key, Value> {
        KGroupedStream(
            Grouping(
                self, key: key ?? keySerde, value: value ?? valueSerde, topicName: named, streamKeySerde: { $0 },
                inlet: { body in
                    NodeInput { (record: Record<Key, Value>) in
                        try body(record.key, record.value, record.timestamp, record.headers)
                    }
                }))
    }

    /// Brings the records together by another key, through a repartition topic. Those for which it is `nil` are dropped.
    ///
    ///     words.groupBy { _, word in word }.count(in: "counts")
    ///
    /// - Parameter named: Names the node and the repartition topic, so that they do not depend on generated numbers.
    ///
    /// Kafka: `groupBy`.
    @inlinable
    public func groupBy<GroupKey>(
        serde: Serde<GroupKey>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ key: @escaping @Sendable (Key, Value) throws -> GroupKey?
    ) -> KGroupedStream<GroupKey, Value> {
        let keyed: KStream<GroupKey?, Value> = following(
            "KSTREAM-KEY-SELECT-", named: named, key: serde?.optional, value: valueSerde, changesKey: true
        ) { assembly in
            try assembly.map { (record: Record<Key, Value>) in record.with(key: try key(record.key, record.value)) }
        }
        return keyed.groupByKey(key: serde, value: value, named: named)
    }
}

extension KStream where Key: Nullable {
    /// Brings the records together by their key. Those without one are dropped and counted as `nullKey`.
    @inlinable
    public func groupByKey(
        key: Serde<Key.Wrapped>? = nil, value: Serde<Value>? = nil, named: String? = nil
    ) -> KGroupedStream<Key.Wrapped, Value> {
        KGroupedStream(
            Grouping(
                self, key: key ?? keySerde.map(Key.wrapped), value: value ?? valueSerde, topicName: named, streamKeySerde: Key.optional,
                inlet: { body in
                    NodeInput { (record: Record<Key, Value>) in
                        try body(record.key.optional, record.value, record.timestamp, record.headers)
                    }
                }))
    }
}
