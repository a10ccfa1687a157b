import MillraceCore

extension KStream {
    /// The same stream, with `action` called for each record on its way.
    ///
    ///     alerts.peek { card, alert in print("\(card): \(alert)") }
    ///
    /// The action may be called again for a record that is processed again after a failure. Kafka: `peek`.
    @inlinable
    public func peek(named: String? = nil, _ action: @escaping @Sendable (Key, Value) throws -> Void) -> KStream {
        following("KSTREAM-PEEK-", named: named) { assembly in
            try assembly.map { (record: Record<Key, Value>) in
                try action(record.key, record.value)
                return record
            }
        }
    }

    /// Calls `action` for each record. Nothing follows.
    ///
    ///     alerts.forEach { card, alert in print("\(card): \(alert)") }
    ///
    /// The action may be called again for a record that is processed again after a failure. Kafka: `foreach`.
    @inlinable
    public func forEach(named: String? = nil, _ action: @escaping @Sendable (Key, Value) throws -> Void) {
        _ =
            following("KSTREAM-FOREACH-", named: named) { assembly in
                let site = assembly.site
                return NodeInput { (record: Record<Key, Value>) in
                    do { try action(record.key, record.value) } catch { throw site.failure(error) }
                }
            } as KStream
    }

    /// Writes each record to standard output, as `[label]: key, value`.
    ///
    ///     counts.toStream().print(label: "counts")
    ///
    /// Kafka: `print(Printed.toSysOut())`.
    public func print(label: String? = nil, named: String? = nil) {
        let label = label ?? name
        _ =
            following("KSTREAM-PRINTER-", named: named) { _ in
                NodeInput { (record: Record<Key, Value>) in Swift.print("[\(label)]: \(record.key), \(record.value)") }
            } as KStream
    }
}
