import MillraceCore

extension KStream {
    /// Any number of records for each one.
    ///
    ///     orders.flatMap { _, order in order.items.map { ($0.product, $0.quantity) } }
    ///
    /// Time and headers are those of the original. A grouping, join or table that follows goes through a repartition topic. Kafka: `flatMap`.
    @inlinable
    public func flatMap<NewKey, NewValue, Elements: Sequence & SendableMetatype>(
        named: String? = nil, _ transform: @escaping @Sendable (Key, Value) throws -> Elements
    ) -> KStream<NewKey, NewValue> where Elements.Element == (NewKey, NewValue) {
        following("KSTREAM-FLATMAP-", named: named, key: nil, value: nil, changesKey: true) { assembly in
            let output = try assembly.output(NewKey.self, NewValue.self)
            let site = assembly.site
            return NodeInput { (record: Record<Key, Value>) in
                let results: Elements
                do { results = try transform(record.key, record.value) } catch { throw site.failure(error) }
                for (key, value) in results {
                    try output.send(Record(key: key, value: value, timestamp: record.timestamp, headers: record.headers))
                }
            }
        }
    }

    /// Any number of values for each one, under the same key.
    ///
    ///     lines.flatMapValues { $0.split(separator: " ").map(String.init) }
    ///
    /// The elements may be any sequence, a lazy one too: it is walked once, right away. Kafka: `flatMapValues`.
    @inlinable
    public func flatMapValues<Elements: Sequence & SendableMetatype>(
        named: String? = nil, _ transform: @escaping @Sendable (Value) throws -> Elements
    ) -> KStream<Key, Elements.Element> {
        following("KSTREAM-FLATMAPVALUES-", named: named, key: keySerde, value: nil, changesValue: true) { assembly in
            try assembly.flatMapValues { (record: Record<Key, Value>) in try transform(record.value) }
        }
    }

    /// Any number of values for each record, under the same key, made from the key and the value.
    ///
    ///     carts.flatMapValues { user, cart in cart.items.map { "\(user): \($0)" } }
    ///
    /// Kafka: `flatMapValues` with a `ValueMapperWithKey`.
    @inlinable
    public func flatMapValues<Elements: Sequence & SendableMetatype>(
        named: String? = nil, _ transform: @escaping @Sendable (Key, Value) throws -> Elements
    ) -> KStream<Key, Elements.Element> {
        following("KSTREAM-FLATMAPVALUES-", named: named, key: keySerde, value: nil, changesValue: true) { assembly in
            try assembly.flatMapValues { (record: Record<Key, Value>) in try transform(record.key, record.value) }
        }
    }
}

extension NodeAssembly {
    /// Sends on a record for each element, under the same key.
    @inlinable
    func flatMapValues<Key, Value, Elements: Sequence>(
        _ transform: @escaping (Record<Key, Value>) throws -> Elements
    ) throws -> NodeInput {
        let output = try output(Key.self, Elements.Element.self)
        let site = self.site
        return NodeInput { (record: Record<Key, Value>) in
            let elements: Elements
            do { elements = try transform(record) } catch { throw site.failure(error) }
            for element in elements { try output.send(record.with(value: element)) }
        }
    }
}
