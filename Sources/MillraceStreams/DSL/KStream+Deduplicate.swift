import MillraceCore
import MillracePlan

extension KStream {
    /// Leaves out records whose key came before: of records with equal keys and times at most `duration` apart, only the first to arrive goes on.
    ///
    ///     orders.selectKey { _, order in order.id }.deduplicate(within: .seconds(3600), in: "seen-orders")
    ///
    /// Time is that of the records, and counts from the one that passed: a key that comes all the time passes once every `duration`. A record that arrives out of order is a
    /// duplicate of one that is younger, too. One that is further than `grace` behind the highest time so far is dropped and counted as `late`, since what it would repeat is
    /// forgotten; a duplicate is counted as `duplicate`. Both can go to a dead-letter topic, see `FailurePolicies.deadLettersOfDropped`. A record without a key is dropped.
    ///
    /// What was seen survives a restart, and takes space for records of the past `duration` and `grace` only. Where the key may have changed since the records were read, they go
    /// through a repartition topic first. Kafka Streams has nothing like it (KIP-655).
    ///
    /// - Parameters:
    ///   - duration: Of event time. A changed one needs another name of the store, whose rows lie by it.
    ///   - grace: How far behind a record may be; as much as `duration` when left out.
    ///   - store: The name and kind of the store of keys. It becomes part of a topic's name, so changing it forgets what was seen.
    ///   - named: Names the node, and the repartition topic if there is one.
    @inlinable
    public func deduplicate(
        within duration: Duration, grace: Duration? = nil, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key>? = nil,
        value: Serde<Value>? = nil
    ) -> KStream {
        let parts = deduplicationParts(duration, grace, store, named, key, value)
        let (keySerde, storeName) = (parts.key, parts.store.name)
        return parts.stream.deduplicated(parts) { assembly in
            try assembly.deduplicate(key: keySerde, store: storeName, id: nil as ((Record<Key, Value>, ByteBuffer) throws -> Bool)?)
        }
    }

    /// Leaves out records whose id came before under the same key.
    ///
    ///     payments.deduplicate(by: { _, payment in payment.id }, within: .seconds(3600), in: "seen-payments")
    ///
    /// A record without an id passes. Ids are told apart by key, so that the result does not depend on how many partitions there are, and the order of a key's records stays: the
    /// same id under another key is another record. Where an id is one of a kind in the whole stream and may come under several keys, or the records have no keys, make it the
    /// key: `selectKey { _, payment in payment.id }.deduplicate(within:)`. Otherwise as `deduplicate(within:)`.
    ///
    /// - Parameters:
    ///   - id: What a record is known by. It is compared by the bytes that its serde writes.
    ///   - idSerde: How ids are written; the type's own serde when left out.
    @inlinable
    public func deduplicate<ID>(
        by id: @escaping @Sendable (Key, Value) throws -> ID?, within duration: Duration, grace: Duration? = nil,
        in store: Materialized = .automatic, named: String? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil,
        id idSerde: Serde<ID>? = nil
    ) -> KStream {
        let parts = deduplicationParts(duration, grace, store, named, key, value)
        let idSerde = builder.serde(idSerde, for: "the ids of \(parts.name)")
        let (keySerde, storeName) = (parts.key, parts.store.name)
        return parts.stream.deduplicated(parts) { assembly in
            try assembly.deduplicate(key: keySerde, store: storeName) { (record: Record<Key, Value>, buffer) in
                guard let id = try id(record.key, record.value) else { return false }
                return try idSerde.write(id, to: buffer)
            }
        }
    }

    @usableFromInline
    func deduplicationParts(
        _ duration: Duration, _ grace: Duration?, _ store: Materialized, _ named: String?, _ key: Serde<Key>?, _ value: Serde<Value>?
    ) -> DeduplicationParts<Key, Value> {
        let name = builder.name(named, prefix: "KSTREAM-DEDUPLICATE-")
        let storeName = store.name == nil ? builder.newStoreName("KSTREAM-DEDUPLICATE-STATE-STORE-") : builder.checkedName(store, "")
        let grace = grace ?? duration
        if duration < .zero || grace < .zero {
            builder.fail(
                "\(name) looks for duplicates within \(duration), with a grace period of \(grace). Neither can be negative.",
                kind: .configuration, node: name)
        }
        let keySerde = builder.serde(key ?? self.keySerde, for: "the keys of \(name)")
        let stream =
            needsRepartition
            ? repartitionedForJoin(
                named: named, key: keySerde,
                value: builder.serde(value ?? valueSerde, for: "the values of the repartition topic of \(name)"))
            : self
        return DeduplicationParts(
            name: name, stream: stream, key: keySerde,
            store: .seen(
                store, name: storeName, isPersistent: builder.isPersistent(store), duration: max(0, duration.milliseconds),
                grace: max(0, grace.milliseconds)))
    }

    @usableFromInline
    func deduplicated(
        _ parts: DeduplicationParts<Key, Value>, _ assemble: @escaping @Sendable (NodeAssembly) throws -> NodeInput
    ) -> KStream {
        let node = builder.addProcessor(parts.name, parents: [node], NodePayload(assemble), stores: [parts.store])
        return KStream(
            builder: builder, node: node, name: parts.name, key: parts.key, value: valueSerde, sources: sources, needsRepartition: false)
    }
}

/// What both kinds of deduplication are made of.
@usableFromInline
struct DeduplicationParts<Key, Value> {
    @usableFromInline let name: String
    /// The records, partitioned by their keys.
    @usableFromInline let stream: KStream<Key, Value>
    @usableFromInline let key: Serde<Key>
    @usableFromInline let store: StoreDeclaration
}
