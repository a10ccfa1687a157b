import MillraceCore
import MillracePlan

extension KStream {
    /// Joins the records of both streams that have the same key and are close enough in time, and those for which no partner comes with `nil`.
    ///
    ///     orders.outerJoin(payments, within: JoinWindows(difference: .seconds(300), grace: .seconds(60))) { order, payment in
    ///         Reconciliation(order, payment)      // at least one of the two is there
    ///     }
    ///
    /// Records of either side wait as those of the left do in `leftJoin`.
    ///
    /// Kafka: `outerJoin(KStream, ValueJoiner, JoinWindows, StreamJoined)`.
    @inlinable
    public func outerJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key>? = nil, value: Serde<Value>? = nil,
        otherValue: Serde<Other>? = nil, _ joiner: @escaping @Sendable (Value?, Other?) throws -> Result
    ) -> KStream<Key, Result> {
        outerJoin(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _, left, right in try joiner(left, right) }
    }

    /// Joins the records of both streams, those without a partner with `nil`, with a joiner that also gets the key.
    @inlinable
    public func outerJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key>? = nil, value: Serde<Value>? = nil,
        otherValue: Serde<Other>? = nil, _ joiner: @escaping @Sendable (Key, Value?, Other?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { nullKey in
            StreamJoin(
                resultKey: { $0 }, nullResultKey: nullKey, matched: joiner, unmatchedLeft: { try joiner($0, $1, nil) },
                unmatchedRight: { try joiner($0, nil, $1) })
        }
    }

    /// Joins the records of both streams, those without a partner with `nil`, where keys and values may be missing.
    @inlinable
    public func outerJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key.Wrapped>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Value.Wrapped?, Other.Wrapped?) throws -> Result
    ) -> KStream<Key, Result> where Key: Nullable, Value: Nullable, Other: Nullable {
        outerJoin(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _, left, right in try joiner(left, right) }
    }

    /// Joins the records of both streams, those without a partner with `nil`, where keys and values may be missing, with a joiner that also gets the key.
    @inlinable
    public func outerJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key.Wrapped>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Key, Value.Wrapped?, Other.Wrapped?) throws -> Result
    ) -> KStream<Key, Result> where Key: Nullable, Value: Nullable, Other: Nullable {
        joined(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue,
            resultKeySerde: Key.optional,
            StreamJoin(
                resultKey: { .of($0) }, nullResultKey: { .some(.of(nil)) }, matched: { try joiner(.of($0), $1, $2) },
                unmatchedLeft: { try joiner($0, $1, nil) },
                unmatchedRight: { try joiner($0, nil, $1) }))
    }

    /// Joins the records of both streams, those without a partner with `nil`, where values may be missing.
    @inlinable @_disfavoredOverload
    public func outerJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Value.Wrapped?, Other.Wrapped?) throws -> Result
    ) -> KStream<Key, Result> where Value: Nullable, Other: Nullable {
        outerJoin(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _, left, right in try joiner(left, right) }
    }

    /// Joins the records of both streams, those without a partner with `nil`, where values may be missing, with a joiner that also gets the key.
    @inlinable @_disfavoredOverload
    public func outerJoin<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Key, Value.Wrapped?, Other.Wrapped?) throws -> Result
    ) -> KStream<Key, Result> where Value: Nullable, Other: Nullable {
        joined(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { nullKey in
            StreamJoin(
                resultKey: { $0 }, nullResultKey: nullKey, matched: joiner, unmatchedLeft: { try joiner($0, $1, nil) },
                unmatchedRight: { try joiner($0, nil, $1) })
        }
    }
}
