import MillraceCore
import MillracePlan

/// A table that changes over time: the latest value of each key, and a stream of changes to it.
///
/// Updates of a table carry the new value and, where an operator behind needs it, the old one. A `nil` value deletes the row. Tables keep their rows only where somebody
/// looks them up or gave the store a name.
///
/// Kafka: `KTable<K, V>`.
public struct KTable<Key, Value> {
    @usableFromInline let builder: StreamsBuilder
    @usableFromInline let node: LogicalNode
    @usableFromInline let name: String
    @usableFromInline let keySerde: Serde<Key>?
    @usableFromInline let valueSerde: Serde<Value>?
    @usableFromInline let sources: Set<String>
    @usableFromInline let view: TableView<Key, Value>
    /// The name of the store, for tables that were given one: processors may connect to it, and queries find it.
    public let storeName: String?

    @usableFromInline
    init(
        builder: StreamsBuilder, node: LogicalNode, name: String, key: Serde<Key>?, value: Serde<Value>?, sources: Set<String>,
        view: TableView<Key, Value>, storeName: String?
    ) {
        self.builder = builder
        self.node = node
        self.name = name
        keySerde = key
        valueSerde = value
        self.sources = sources
        self.view = view
        self.storeName = storeName
    }

    /// The table's changes as a stream: each new value under its key, `nil` where a row was deleted.
    ///
    ///     counts.toStream().to("word-counts")
    ///
    /// Kafka: `toStream`.
    @inlinable
    public func toStream(named: String? = nil) -> KStream<Key, Value?> {
        let name = builder.name(named, prefix: "KTABLE-TOSTREAM-")
        let node = builder.addProcessor(
            name, parents: [node],
            NodePayload { try $0.map { (record: Record<Key, Change<Value>>) in record.with(value: record.value.new) } })
        return KStream(
            builder: builder, node: node, name: name, key: keySerde, value: valueSerde?.optional, sources: sources,
            needsRepartition: false)
    }

    /// The table's changes as a stream under another key.
    ///
    ///     sessions.toStream { window, _ in window.key }
    ///
    /// A grouping, join or table that follows goes through a repartition topic. Kafka: `toStream(KeyValueMapper)`.
    @inlinable
    public func toStream<NewKey>(
        named: String? = nil, key: @escaping @Sendable (Key, Value?) throws -> NewKey
    ) -> KStream<NewKey, Value?> {
        toStream(named: named).selectKey(key)
    }
}
