import MillraceCore

extension KStream {
    /// Each record with another key and value; time and headers stay.
    ///
    ///     payments.map { card, payment in (payment.merchant, payment.amount) }
    ///
    /// The key may change, so a grouping, join or table that follows goes through a repartition topic; use `mapValues` where the key stays. Kafka: `map`.
    @inlinable
    public func map<NewKey, NewValue>(
        named: String? = nil, _ transform: @escaping @Sendable (Key, Value) throws -> (NewKey, NewValue)
    ) -> KStream<NewKey, NewValue> {
        following("KSTREAM-MAP-", named: named, key: nil, value: nil, changesKey: true) { assembly in
            try assembly.map { (record: Record<Key, Value>) in
                let (key, value) = try transform(record.key, record.value)
                return Record(key: key, value: value, timestamp: record.timestamp, headers: record.headers)
            }
        }
    }

    /// Each record with another value.
    ///
    ///     lines.mapValues { $0.count }
    ///
    /// Kafka: `mapValues`.
    @inlinable
    public func mapValues<NewValue>(
        named: String? = nil, _ transform: @escaping @Sendable (Value) throws -> NewValue
    ) -> KStream<Key, NewValue> {
        following("KSTREAM-MAPVALUES-", named: named, key: keySerde, value: nil, changesValue: true) { assembly in
            try assembly.map { (record: Record<Key, Value>) in record.with(value: try transform(record.value)) }
        }
    }

    /// Each record with another value, made from the key and the value. The key stays.
    ///
    ///     clicks.mapValues { user, page in "\(user) saw \(page)" }
    ///
    /// Kafka: `mapValues` with a `ValueMapperWithKey`.
    @inlinable
    public func mapValues<NewValue>(
        named: String? = nil, _ transform: @escaping @Sendable (Key, Value) throws -> NewValue
    ) -> KStream<Key, NewValue> {
        following("KSTREAM-MAPVALUES-", named: named, key: keySerde, value: nil, changesValue: true) { assembly in
            try assembly.map { (record: Record<Key, Value>) in record.with(value: try transform(record.key, record.value)) }
        }
    }

    /// Each record under another key.
    ///
    ///     payments.selectKey { card, payment in payment.merchant }
    ///
    /// A grouping, join or table that follows goes through a repartition topic. Kafka: `selectKey`.
    @inlinable
    public func selectKey<NewKey>(
        named: String? = nil, _ key: @escaping @Sendable (Key, Value) throws -> NewKey
    ) -> KStream<NewKey, Value> {
        following("KSTREAM-KEY-SELECT-", named: named, key: nil, value: valueSerde, changesKey: true) { assembly in
            try assembly.map { (record: Record<Key, Value>) in record.with(key: try key(record.key, record.value)) }
        }
    }
}

extension NodeAssembly {
    /// Sends on one record for each.
    @inlinable
    func map<Key, Value, NewKey, NewValue>(
        _ transform: @escaping (Record<Key, Value>) throws -> Record<NewKey, NewValue>
    ) throws -> NodeInput {
        let output = try output(NewKey.self, NewValue.self)
        let site = self.site
        return NodeInput { (record: Record<Key, Value>) in
            let new: Record<NewKey, NewValue>
            do { new = try transform(record) } catch { throw site.failure(error) }
            try output.send(new)
        }
    }
}
