import MillraceCore

extension KStream {
    /// Each record with another value, without the records for which it is `nil`.
    ///
    ///     readings.compactMapValues { Double($0) }
    ///     counts.toStream().compactMapValues { $0 }     // without the deleted rows
    ///
    /// Kafka: `flatMapValues`, with a list of one value or none; the node is named like one.
    @inlinable
    public func compactMapValues<NewValue>(
        named: String? = nil, _ transform: @escaping @Sendable (Value) throws -> NewValue?
    ) -> KStream<Key, NewValue> {
        following("KSTREAM-FLATMAPVALUES-", named: named, key: keySerde, value: nil, changesValue: true) { assembly in
            let output = try assembly.output(Key.self, NewValue.self)
            let site = assembly.site
            return NodeInput { (record: Record<Key, Value>) in
                let value: NewValue?
                do { value = try transform(record.value) } catch { throw site.failure(error) }
                if let value { try output.send(record.with(value: value)) }
            }
        }
    }
}
