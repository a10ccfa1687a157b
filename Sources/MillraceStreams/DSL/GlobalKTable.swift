import MillraceCore
import MillracePlan

/// A table that every instance holds whole, all partitions of its topic, so that a stream can look any row of it up whatever the stream is partitioned by.
///
/// A global table is filled before the app starts to process, and follows its topic from then on without regard to the time of the records that are joined with it.
///
/// Kafka: `GlobalKTable<K, V>`.
public struct GlobalKTable<Key, Value> {
    let builder: StreamsBuilder
    /// The name of the store behind it; processors may read it without being connected to it.
    public let storeName: String

    @usableFromInline
    init(builder: StreamsBuilder, storeName: String) {
        self.builder = builder
        self.storeName = storeName
    }
}

extension StreamsBuilder {
    /// A table of the latest value of each key of a topic, whole on every instance.
    ///
    ///     let countries: GlobalKTable<String, Country> = builder.globalTable("countries", key: .string, value: .json())
    ///
    /// A record without a value deletes the row of its key; one without a key is dropped and counted as `nullKey`. There is no changelog, since the topic itself is one: it should
    /// be compacted.
    ///
    /// - Parameters:
    ///   - key: How keys are read; the type's own serde when left out.
    ///   - value: How values are read; the type's own serde when left out.
    ///   - store: Where the rows are kept. It cannot be a versioned store: `build` throws for one.
    ///
    /// Kafka: `globalTable`.
    @inlinable @discardableResult
    public func globalTable<Key, Value>(
        _ topic: String, key: Serde<Key>? = nil, value: Serde<Value>? = nil, in store: Materialized = .automatic, named: String? = nil
    ) -> GlobalKTable<Key, Value> {
        if store.isVersioned {
            fail(
                "The global table of topic \(topic) is to have a versioned store, but global tables keep no history. Leave the kind of store out."
            )
        }
        check(name: topic, of: "topic")
        checkTimeToLive(store, store.name ?? topic, isAllowed: false)
        let storeName = store.name ?? newStoreName(topic + "-")
        let sourceName = self.name(named, prefix: "KSTREAM-SOURCE-", suffix: "-source")
        let name = self.name(named, prefix: "KTABLE-SOURCE-")
        let keySerde = serde(key, for: "the keys of \(topic)")
        let valueSerde = serde(value, for: "the values of \(topic)")
        var unlogged = store
        unlogged.isLogged = false
        let table = GlobalTableSource(
            topic: topic,
            source: PlannedPart(sourceName, payload: SourcePayload(key: keySerde.optional, value: valueSerde.optional)),
            processor: PlannedPart(name, payload: NodePayload.globalTable(storeName, Key.self, Value.self)),
            store: .keyValue(
                unlogged, name: checkedName(store, storeName), isPersistent: isPersistent(store), key: keySerde, value: valueSerde))
        graph.add(LogicalNode(name, .globalTableSource(table)), parents: [graph.root])
        return GlobalKTable(builder: self, storeName: storeName)
    }
}

extension NodePayload {
    /// Writes each record to the store of a global table.
    @inlinable
    static func globalTable<Key, Value>(_ store: String, _: Key.Type, _: Value.Type) -> NodePayload {
        NodePayload { assembly in
            let rows = try TableStore<Key, Value>(named: store, in: assembly.task)
            let site = assembly.site
            return NodeInput { (record: Record<Key?, Value?>) in
                guard let key = record.key else { return site.drop(.nullKey) }
                _ = try rows.put(key, record.value, record.timestamp)
            }
        }
    }
}
