import MillraceCore

extension KStream {
    /// The records for which `predicate` holds.
    ///
    ///     payments.filter { card, payment in payment.amount > 0 }
    ///
    /// A throwing predicate is a processing error, see `FailurePolicy`. Kafka: `filter`.
    @inlinable
    public func filter(named: String? = nil, _ predicate: @escaping @Sendable (Key, Value) throws -> Bool) -> KStream {
        following("KSTREAM-FILTER-", named: named) { try $0.filter(predicate) }
    }

    /// The records for which `predicate` does not hold.
    ///
    ///     lines.filterNot { _, line in line.isEmpty }
    ///
    /// Kafka: `filterNot`.
    @inlinable
    public func filterNot(named: String? = nil, _ predicate: @escaping @Sendable (Key, Value) throws -> Bool) -> KStream {
        following("KSTREAM-FILTER-", named: named) { try $0.filter { try !predicate($0, $1) } }
    }
}

extension NodeAssembly {
    /// Sends on what the predicate holds for.
    @inlinable
    func filter<Key, Value>(_ predicate: @escaping (Key, Value) throws -> Bool) throws -> NodeInput {
        let output = try output(Key.self, Value.self)
        let site = self.site
        return NodeInput { (record: Record<Key, Value>) in
            let passes: Bool
            do { passes = try predicate(record.key, record.value) } catch { throw site.failure(error) }
            if passes { try output.send(record) }
        }
    }
}
