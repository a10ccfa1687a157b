import MillraceCore

extension KGroupedTable {
    /// Counts the rows of each group.
    ///
    ///     users.groupBy { _, user in (user.city, user.name) }.count(in: "users-per-city")
    ///
    /// A group whose last row went away has the count 0. Kafka: `count`.
    @inlinable @discardableResult
    public func count(in store: Materialized = .automatic, named: String? = nil) -> KTable<Key, Int64> {
        aggregated(
            in: store, value: .bigEndian, prefix: "KTABLE-AGGREGATE-", named: named,
            TableAggregate(add: { _, _, count in (count ?? 0) + 1 }, subtract: { _, _, count in count - 1 }))
    }

    /// Combines the values of each group with each other, the first being the start.
    ///
    ///     sales.groupBy { _, sale in (sale.region, sale.amount) }.reduce(in: "revenue", adding: +, subtracting: -)
    ///
    /// A result of `nil` deletes the group's row; the next value is a start again. Kafka: `reduce`.
    ///
    /// - Parameters:
    ///   - adder: Gets the result so far and a value that came.
    ///   - subtractor: Gets the result so far and a value that went.
    @inlinable @discardableResult
    public func reduce(
        in store: Materialized = .automatic, named: String? = nil, adding adder: @escaping @Sendable (Value, Value) throws -> Value?,
        subtracting subtractor: @escaping @Sendable (Value, Value) throws -> Value?
    ) -> KTable<Key, Value> {
        aggregated(
            in: store, value: valueSerde, prefix: "KTABLE-REDUCE-", named: named,
            TableAggregate(
                add: { _, value, result in if let result { try adder(result, value) } else { value } },
                subtract: { _, value, result in try subtractor(result, value) }))
    }

    /// Folds the values of each group into a result of another type.
    ///
    ///     carts.groupBy { _, cart in (cart.shop, cart.total) }
    ///         .aggregate(0, in: "open", adding: { _, total, sum in sum + total }, subtracting: { _, total, sum in sum - total })
    ///
    /// A result of `nil` deletes the group's row; the next value starts again from `initial`. Kafka: `aggregate`.
    ///
    /// - Parameters:
    ///   - initial: The result before the first value.
    ///   - value: How results are written to the store; the type's own serde when left out.
    ///   - adder: Gets group, value that came and the result so far.
    ///   - subtractor: Gets group, value that went and the result so far.
    @inlinable @discardableResult
    public func aggregate<Result>(
        _ initial: @escaping @autoclosure @Sendable () throws -> Result, in store: Materialized = .automatic, value: Serde<Result>? = nil,
        named: String? = nil, adding adder: @escaping @Sendable (Key, Value, Result) throws -> Result?,
        subtracting subtractor: @escaping @Sendable (Key, Value, Result) throws -> Result?
    ) -> KTable<Key, Result> {
        aggregated(
            in: store, value: value, prefix: "KTABLE-AGGREGATE-", named: named,
            TableAggregate(
                add: { key, value, result in
                    let result = try result ?? initial()
                    return try adder(key, value, result)
                }, subtract: subtractor))
    }

    /// Folds the values of each group into a result that does not exist before the first one.
    ///
    /// - Parameter adder: Gets `nil` for a group without a result.
    @inlinable @discardableResult
    public func aggregate<Result>(
        in store: Materialized = .automatic, value: Serde<Result>? = nil, named: String? = nil,
        adding adder: @escaping @Sendable (Key, Value, Result?) throws -> Result?,
        subtracting subtractor: @escaping @Sendable (Key, Value, Result) throws -> Result?
    ) -> KTable<Key, Result> {
        aggregated(
            in: store, value: value, prefix: "KTABLE-AGGREGATE-", named: named, TableAggregate(add: adder, subtract: subtractor))
    }
}
