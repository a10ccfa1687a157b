import MillraceCore
import MillracePlan

extension KStream {
    /// Joins each record with those of another stream that have the same key and are close enough in time, or with `nil` when none comes.
    ///
    ///     orders.leftJoin(payments, within: JoinWindows(difference: .seconds(300), grace: .seconds(60))) { order, payment in
    ///         payment == nil ? .unpaid(order) : .paid(order)
    ///     }
    ///
    /// A record waits for its partners until stream time has passed its window and the grace period, and only then is joined with `nil`; stream time only moves with records. A
    /// record without a key is joined with `nil` at once, one without a value is dropped and counted. Otherwise as `join`.
    ///
    /// Kafka: `leftJoin(KStream, ValueJoiner, JoinWindows, StreamJoined)`.
    @inlinable
    public func leftJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key>? = nil, value: Serde<Value>? = nil,
        otherValue: Serde<Other>? = nil, _ joiner: @escaping @Sendable (Value, Other?) throws -> Result
    ) -> KStream<Key, Result> {
        leftJoin(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _, left, right in try joiner(left, right) }
    }

    /// Joins each record with those of another stream, or with `nil` when none comes, with a joiner that also gets the key.
    @inlinable
    public func leftJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key>? = nil, value: Serde<Value>? = nil,
        otherValue: Serde<Other>? = nil, _ joiner: @escaping @Sendable (Key, Value, Other?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { nullKey in StreamJoin(resultKey: { $0 }, nullResultKey: nullKey, matched: joiner, unmatchedLeft: { try joiner($0, $1, nil) }) }
    }

    /// Joins each record with those of another stream, or with `nil` when none comes, where keys and values may be missing.
    @inlinable
    public func leftJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key.Wrapped>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Value.Wrapped, Other.Wrapped?) throws -> Result
    ) -> KStream<Key, Result> where Key: Nullable, Value: Nullable, Other: Nullable {
        leftJoin(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _, left, right in try joiner(left, right) }
    }

    /// Joins each record with those of another stream, or with `nil` when none comes, where keys and values may be missing, with a joiner that also gets the key.
    @inlinable
    public func leftJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key.Wrapped>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Key, Value.Wrapped, Other.Wrapped?) throws -> Result
    ) -> KStream<Key, Result> where Key: Nullable, Value: Nullable, Other: Nullable {
        joined(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue,
            resultKeySerde: Key.optional,
            StreamJoin(
                resultKey: { .of($0) }, nullResultKey: { .some(.of(nil)) }, matched: { try joiner(.of($0), $1, $2) },
                unmatchedLeft: { try joiner($0, $1, nil) }))
    }

    /// Joins each record with those of another stream, or with `nil` when none comes, where values may be missing.
    @inlinable @_disfavoredOverload
    public func leftJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Value.Wrapped, Other.Wrapped?) throws -> Result
    ) -> KStream<Key, Result> where Value: Nullable, Other: Nullable {
        leftJoin(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _, left, right in try joiner(left, right) }
    }

    /// Joins each record with those of another stream, or with `nil` when none comes, where values may be missing, with a joiner that also gets the key.
    @inlinable @_disfavoredOverload
    public func leftJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Key, Value.Wrapped, Other.Wrapped?) throws -> Result
    ) -> KStream<Key, Result> where Value: Nullable, Other: Nullable {
        joined(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { nullKey in StreamJoin(resultKey: { $0 }, nullResultKey: nullKey, matched: joiner, unmatchedLeft: { try joiner($0, $1, nil) }) }
    }
}
