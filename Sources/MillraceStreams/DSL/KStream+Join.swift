import MillraceCore
import MillracePlan

extension KStream {
    /// Joins each record with those of another stream that have the same key and are close enough in time.
    ///
    ///     orders.join(payments, within: JoinWindows(difference: .seconds(300))) { order, payment in
    ///         PaidOrder(order, payment)
    ///     }
    ///
    /// A result carries the later of the two timestamps and the headers of the record that came last. Records without key or value are dropped and counted. Both streams must have
    /// equally many partitions; one whose key may have changed goes through a repartition topic first.
    ///
    /// - Parameters:
    ///   - windows: How far apart the records may be.
    ///   - store: Where the records of both sides are kept meanwhile: the beginning of the stores' names, so that their changelogs do not depend on generated numbers, the kind of
    ///     stores, and whether they have changelogs. How long is told by the windows; a retention of its own is an error.
    ///   - named: The beginning of the names of the nodes and repartition topics.
    ///   - key: How keys are written; the stream's serde when left out.
    ///
    /// Kafka: `join(KStream, ValueJoiner, JoinWindows, StreamJoined)`.
    @inlinable
    public func join<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic,
        named: String? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, otherValue: Serde<Other>? = nil,
        _ joiner: @escaping @Sendable (Value, Other) throws -> Result
    ) -> KStream<Key, Result> {
        join(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _, left, right in try joiner(left, right) }
    }

    /// Joins each record with those of another stream, with a joiner that also gets the key. Kafka: `join` with a `ValueJoinerWithKey`.
    @inlinable
    public func join<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic,
        named: String? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, otherValue: Serde<Other>? = nil,
        _ joiner: @escaping @Sendable (Key, Value, Other) throws -> Result
    ) -> KStream<Key, Result> {
        joined(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _ in StreamJoin(resultKey: { $0 }, nullResultKey: { nil }, matched: joiner) }
    }

    /// Joins each record with those of another stream, where keys and values may be missing. Records without either are dropped and counted.
    @inlinable
    public func join<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key.Wrapped>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Value.Wrapped, Other.Wrapped) throws -> Result
    ) -> KStream<Key.Wrapped, Result> where Key: Nullable, Value: Nullable, Other: Nullable {
        join(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _, left, right in try joiner(left, right) }
    }

    /// Joins each record with those of another stream, where keys and values may be missing, with a joiner that also gets the key.
    @inlinable
    public func join<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic, named: String? = nil,
        key: Serde<Key.Wrapped>? = nil, value: Serde<Value.Wrapped>? = nil,
        otherValue: Serde<Other.Wrapped>? = nil, _ joiner: @escaping @Sendable (Key.Wrapped, Value.Wrapped, Other.Wrapped) throws -> Result
    ) -> KStream<Key.Wrapped, Result> where Key: Nullable, Value: Nullable, Other: Nullable {
        joined(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue,
            resultKeySerde: { $0 }, StreamJoin(resultKey: { $0 }, nullResultKey: { nil }, matched: joiner))
    }

    /// Joins each record with those of another stream, where values may be missing. Records without one are dropped and counted.
    @inlinable @_disfavoredOverload
    public func join<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic,
        named: String? = nil, key: Serde<Key>? = nil, value: Serde<Value.Wrapped>? = nil, otherValue: Serde<Other.Wrapped>? = nil,
        _ joiner: @escaping @Sendable (Value.Wrapped, Other.Wrapped) throws -> Result
    ) -> KStream<Key, Result> where Value: Nullable, Other: Nullable {
        join(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _, left, right in try joiner(left, right) }
    }

    /// Joins each record with those of another stream, where values may be missing, with a joiner that also gets the key.
    @inlinable @_disfavoredOverload
    public func join<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized = .automatic,
        named: String? = nil, key: Serde<Key>? = nil, value: Serde<Value.Wrapped>? = nil, otherValue: Serde<Other.Wrapped>? = nil,
        _ joiner: @escaping @Sendable (Key, Value.Wrapped, Other.Wrapped) throws -> Result
    ) -> KStream<Key, Result> where Value: Nullable, Other: Nullable {
        joined(
            other, within: windows, in: store, named: named, key: key, value: value, otherValue: otherValue
        ) { _ in StreamJoin(resultKey: { $0 }, nullResultKey: { nil }, matched: joiner) }
    }
}
