import MillraceCore

extension TimeWindowedKStream {
    /// Counts the records of each key in each window.
    ///
    ///     clicks.groupByKey().windowedBy(.tumbling(size: .seconds(60))).count(in: "clicks-per-minute")
    ///
    /// Records without a key are dropped. Those without a value count, except in sliding windows, as in Kafka Streams. The result's timestamp is the highest seen for the key
    /// and window.
    ///
    /// - Parameter store: Where the counts are kept, and for how long; when it is left out, a generated name.
    ///
    /// Kafka: `count`.
    @inlinable @discardableResult
    public func count(in store: Materialized? = nil, named: String? = nil) -> KTable<Windowed<Key>, Int64> {
        // Sliding windows are younger than the number that counting wastes.
        if case .grid = windows { builder.skipStoreNumber(of: store, prefix: "KSTREAM-AGGREGATE-") }
        return aggregated(
            in: store, value: .bigEndian, prefix: "KSTREAM-AGGREGATE-", named: named,
            StreamAggregate(initial: { 0 }, apply: { _, _, count in (count ?? 0) + 1 }, merge: { $1 + $2 }))
    }

    /// Combines the values of each key and window with each other, the first being the start. A result of `nil` deletes the row.
    ///
    /// Kafka: `reduce`.
    ///
    /// - Parameter combine: Gets the result so far and the new value.
    @inlinable @discardableResult
    public func reduce(
        in store: Materialized? = nil, named: String? = nil, _ combine: @escaping @Sendable (Value, Value) throws -> Value?
    ) -> KTable<Windowed<Key>, Value> {
        aggregated(in: store, value: grouping.valueSerde, prefix: "KSTREAM-REDUCE-", named: named, .reduce(combine))
    }

    /// Combines the values of each key and window with each other, the first being the start.
    ///
    /// - Parameter combine: Gets the result so far and the new value, which may be missing: windows other than sliding ones take records without a value.
    @inlinable @discardableResult
    public func reduce<Wrapped>(
        in store: Materialized? = nil, named: String? = nil, _ combine: @escaping @Sendable (Wrapped, Wrapped?) throws -> Wrapped?
    ) -> KTable<Windowed<Key>, Wrapped> where Value == Wrapped? {
        aggregated(in: store, value: grouping.valueSerde?.wrapped(), prefix: "KSTREAM-REDUCE-", named: named, .reduceOptional(combine))
    }

    /// Folds the values of each key and window into a result of another type.
    ///
    ///     payments.groupByKey().windowedBy(.tumbling(size: .seconds(3600))).aggregate(0) { card, payment, total in total + payment.amount }
    ///
    /// A result of `nil` deletes the row; the next value starts again from `initial`. Kafka: `aggregate`.
    ///
    /// - Parameters:
    ///   - initial: The result before the first value.
    ///   - value: How results are written to the store; the type's own serde when left out.
    ///   - aggregator: Gets key, value and the result so far, and gives the new result.
    @inlinable @discardableResult
    public func aggregate<Result>(
        _ initial: @escaping @autoclosure @Sendable () throws -> Result, in store: Materialized? = nil, value: Serde<Result>? = nil,
        named: String? = nil, _ aggregator: @escaping @Sendable (Key, Value, Result) throws -> Result?
    ) -> KTable<Windowed<Key>, Result> {
        aggregated(in: store, value: value, prefix: "KSTREAM-AGGREGATE-", named: named, .fold(initial, aggregator))
    }

    /// Folds the values of each key and window into a result of another type, where the results of two groups of records can be merged into that of all of them.
    ///
    ///     payments.groupByKey().windowedBy(.hopping(size: .seconds(3600), advance: .seconds(60)), emit: .onWindowClose)
    ///         .aggregate(0, merging: { _, a, b in a + b }) { card, payment, total in total + payment.amount }
    ///
    /// The results are those of `aggregate` without `merging`, but with hopping windows that send their results on close a record is added once, whatever the number of its windows.
    /// Elsewhere `merging` is not called.
    ///
    /// - Parameters:
    ///   - initial: The result before the first value. To merge it into a result must change nothing.
    ///   - merge: Gets key and two results, the one of earlier records first.
    ///   - aggregator: Gets key, value and the result so far, and gives the new result.
    @inlinable
    public func aggregate<Result>(
        _ initial: @escaping @autoclosure @Sendable () throws -> Result, in store: Materialized? = nil, value: Serde<Result>? = nil,
        named: String? = nil, merging merge: @escaping @Sendable (Key, Result, Result) throws -> Result,
        _ aggregator: @escaping @Sendable (Key, Value, Result) throws -> Result
    ) -> KTable<Windowed<Key>, Result> {
        aggregated(
            in: store, value: value, prefix: "KSTREAM-AGGREGATE-", named: named,
            StreamAggregate(initial: initial, apply: { try aggregator($0, $1, $2 ?? initial()) }, merge: merge))
    }

    /// Folds the values of each key and window into a result that does not exist before the first one.
    @inlinable @discardableResult
    public func aggregate<Result>(
        in store: Materialized? = nil, value: Serde<Result>? = nil, named: String? = nil,
        _ aggregator: @escaping @Sendable (Key, Value, Result?) throws -> Result?
    ) -> KTable<Windowed<Key>, Result> {
        aggregated(
            in: store, value: value, prefix: "KSTREAM-AGGREGATE-", named: named, StreamAggregate(initial: { nil }, apply: aggregator))
    }
}

extension StreamAggregate {
    /// Combines values with each other, the first being the start.
    @inlinable
    static func reduce(_ combine: @escaping @Sendable (Value, Value) throws -> Value?) -> StreamAggregate where Result == Value {
        StreamAggregate(initial: { nil }, apply: { _, value, result in if let result { try combine(result, value) } else { value } })
    }

    /// Combines values with each other, where values may be missing.
    @inlinable
    static func reduceOptional(_ combine: @escaping @Sendable (Result, Result?) throws -> Result?) -> StreamAggregate
    where Value == Result? {
        StreamAggregate(initial: { nil }, apply: { _, value, result in if let result { try combine(result, value) } else { value } })
    }

    /// Folds values into a result that starts from `initial`.
    @inlinable
    static func fold(
        _ initial: @escaping @Sendable () throws -> Result, _ aggregator: @escaping @Sendable (Key, Value, Result) throws -> Result?
    ) -> StreamAggregate {
        StreamAggregate(
            initial: initial,
            apply: { key, value, result in
                let result = try result ?? initial()
                return try aggregator(key, value, result)
            })
    }
}
