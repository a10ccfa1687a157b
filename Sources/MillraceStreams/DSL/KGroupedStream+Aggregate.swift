import MillraceCore
import MillracePlan

extension KGroupedStream {
    /// Counts the records of each key, as a table that changes with every record.
    ///
    ///     let clicks = builder.stream("clicks", key: .string, value: .json(Click.self)).groupByKey().count(in: "clicks-per-user")
    ///
    /// A record whose key or value is `nil` does not count: it is dropped, and shows in `millrace.records.dropped`. The result's timestamp is the highest seen for the
    /// key, so a late record raises the count without moving time back. The counts survive a restart: each change reaches the store's changelog together with the input
    /// offsets.
    ///
    /// - Parameter store: The store's name. It becomes part of a topic's name, so changing it abandons the counts.
    ///
    /// Kafka: `count`.
    @inlinable @discardableResult
    public func count(in store: Materialized? = nil, named: String? = nil) -> KTable<Key, Int64> {
        builder.skipStoreNumber(of: store, prefix: "KSTREAM-AGGREGATE-")
        return aggregated(
            in: store ?? .automatic, value: .bigEndian, prefix: "KSTREAM-AGGREGATE-", named: named,
            StreamAggregate(initial: { 0 }, apply: { _, _, count in (count ?? 0) + 1 }))
    }

    /// Combines the values of each key with each other, the first being the start.
    ///
    ///     payments.groupByKey().reduce(in: "largest") { $0.amount < $1.amount ? $1 : $0 }
    ///
    /// Records without key or value are dropped. A result of `nil` deletes the row; the next value is a start again. Kafka: `reduce`.
    ///
    /// - Parameter combine: Gets the result so far and the new value.
    @inlinable @discardableResult
    public func reduce(
        in store: Materialized = .automatic, value: Serde<Value>? = nil, named: String? = nil,
        _ combine: @escaping @Sendable (Value, Value) throws -> Value?
    ) -> KTable<Key, Value> {
        aggregated(
            in: store, value: value ?? grouping.valueSerde, prefix: "KSTREAM-REDUCE-", named: named,
            StreamAggregate(initial: { nil }, apply: { _, value, result in if let result { try combine(result, value) } else { value } }))
    }

    /// Combines the values of each key with each other, the first being the start. Records without a value are dropped.
    @inlinable @discardableResult
    public func reduce<Wrapped>(
        in store: Materialized = .automatic, value: Serde<Wrapped>? = nil, named: String? = nil,
        _ combine: @escaping @Sendable (Wrapped, Wrapped) throws -> Wrapped?
    ) -> KTable<Key, Wrapped> where Value == Wrapped? {
        aggregated(
            in: store, value: value ?? grouping.valueSerde?.wrapped(), prefix: "KSTREAM-REDUCE-", named: named,
            StreamAggregate(
                initial: { nil },
                apply: { _, value, result in
                    guard let value, let result else { return value }
                    return try combine(result, value)
                }))
    }

    /// Folds the values of each key into a result of another type.
    ///
    ///     payments.groupByKey().aggregate(0, in: "totals") { card, payment, total in total + payment.amount }
    ///
    /// Records without key or value are dropped. A result of `nil` deletes the row; the next value starts again from `initial`. Kafka: `aggregate`.
    ///
    /// - Parameters:
    ///   - initial: The result before the first value.
    ///   - value: How results are written to the store; the type's own serde when left out.
    ///   - aggregator: Gets key, value and the result so far, and gives the new result.
    @inlinable @discardableResult
    public func aggregate<Result>(
        _ initial: @escaping @autoclosure @Sendable () throws -> Result, in store: Materialized = .automatic, value: Serde<Result>? = nil,
        named: String? = nil, _ aggregator: @escaping @Sendable (Key, Value, Result) throws -> Result?
    ) -> KTable<Key, Result> {
        aggregated(
            in: store, value: value, prefix: "KSTREAM-AGGREGATE-", named: named,
            StreamAggregate(
                initial: initial,
                apply: { key, value, result in
                    let result = try result ?? initial()
                    return try aggregator(key, value, result)
                }))
    }

    /// Folds the values of each key into a result that does not exist before the first one.
    ///
    ///     visits.groupByKey().aggregate(in: "first-visit") { user, visit, first in first ?? visit }
    @inlinable @discardableResult
    public func aggregate<Result>(
        in store: Materialized = .automatic, value: Serde<Result>? = nil, named: String? = nil,
        _ aggregator: @escaping @Sendable (Key, Value, Result?) throws -> Result?
    ) -> KTable<Key, Result> {
        aggregated(
            in: store, value: value, prefix: "KSTREAM-AGGREGATE-", named: named, StreamAggregate(initial: { nil }, apply: aggregator))
    }

    @inlinable
    func aggregated<Result>(
        in store: Materialized, value: Serde<Result>?, prefix: String, named: String?, _ aggregate: StreamAggregate<Key, Value, Result>
    ) -> KTable<Key, Result> {
        let inlet = grouping.inlet
        return grouping.table(in: store, value: value, prefix: prefix, named: named) { assembly, context in
            let node = try StreamAggregateNode(aggregate, context, assembly)
            return inlet { key, value, timestamp, headers in try node.receive(key, value, timestamp, headers) }
        }
    }
}

/// What an aggregation of a stream computes.
@usableFromInline
struct StreamAggregate<Key, Value, Result>: Sendable {
    /// The result before the first value; what updates show as the old value of a first one.
    @usableFromInline let initial: @Sendable () throws -> Result?
    /// Gets the result so far, `nil` before the first value.
    @usableFromInline let apply: @Sendable (Key, Value, Result?) throws -> Result?
    /// Makes one result of those of two groups of records, where that is the result of all of them.
    @usableFromInline let merge: (@Sendable (Key, Result, Result) throws -> Result)?

    @inlinable
    init(
        initial: @escaping @Sendable () throws -> Result?, apply: @escaping @Sendable (Key, Value, Result?) throws -> Result?,
        merge: (@Sendable (Key, Result, Result) throws -> Result)? = nil
    ) {
        self.initial = initial
        self.apply = apply
        self.merge = merge
    }
}
