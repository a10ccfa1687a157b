import MillraceCore

// The three ways in which a join sees the types of its streams; all end in one `StreamJoinPlan`.
extension KStream {
    /// Keys and values as the streams' types say. A type that has a null of its own is still asked whether a value is one.
    @inlinable
    func joined<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized, named: String?,
        key: Serde<Key>?, value: Serde<Value>?, otherValue: Serde<Other>?,
        _ join: (_ nullKey: @escaping @Sendable () -> Key?) -> StreamJoin<Key, Key, Value, Other, Result>
    ) -> KStream<Key, Result> {
        let key = builder.serde(key ?? keySerde, for: "the keys of a join")
        let value = builder.serde(value ?? valueSerde, for: "the left values of a join")
        let otherValue = builder.serde(otherValue ?? other.valueSerde, for: "the right values of a join")
        return StreamJoinPlan(
            left: self, right: other, leftSide: .init(key: key.nonNull, value: value.nonNull),
            rightSide: .init(key: key.nonNull, value: otherValue.nonNull), key: key, leftValue: value, rightValue: otherValue,
            windows: windows, join: join { key.null }, store: store, named: named
        ).stream(repartitionKey: key, key, value: value, otherValue, resultKeySerde: key)
    }

    /// Values that may be missing.
    @inlinable
    func joined<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized, named: String?,
        key: Serde<Key>?, value: Serde<Value.Wrapped>?, otherValue: Serde<Other.Wrapped>?,
        _ join: (_ nullKey: @escaping @Sendable () -> Key?) -> StreamJoin<Key, Key, Value.Wrapped, Other.Wrapped, Result>
    ) -> KStream<Key, Result> where Value: Nullable, Other: Nullable {
        let key = builder.serde(key ?? keySerde, for: "the keys of a join")
        let value = builder.serde(value ?? valueSerde.map(Value.wrapped), for: "the left values of a join")
        let otherValue = builder.serde(otherValue ?? other.valueSerde.map(Other.wrapped), for: "the right values of a join")
        return StreamJoinPlan(
            left: self, right: other, leftSide: .init(key: key.nonNull, value: { $0.optional }),
            rightSide: .init(key: key.nonNull, value: { $0.optional }), key: key, leftValue: value, rightValue: otherValue,
            windows: windows, join: join { key.null }, store: store, named: named
        ).stream(repartitionKey: key, key, value: Value.optional(value), Other.optional(otherValue), resultKeySerde: key)
    }

    /// Keys and values that may be missing.
    @inlinable
    func joined<ResultKey, Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, in store: Materialized, named: String?,
        key: Serde<Key.Wrapped>?, value: Serde<Value.Wrapped>?, otherValue: Serde<Other.Wrapped>?,
        resultKeySerde: (Serde<Key.Wrapped>) -> Serde<ResultKey>,
        _ join: StreamJoin<Key.Wrapped, ResultKey, Value.Wrapped, Other.Wrapped, Result>
    ) -> KStream<ResultKey, Result> where Key: Nullable, Value: Nullable, Other: Nullable {
        let key = builder.serde(key ?? keySerde.map(Key.wrapped), for: "the keys of a join")
        let value = builder.serde(value ?? valueSerde.map(Value.wrapped), for: "the left values of a join")
        let otherValue = builder.serde(otherValue ?? other.valueSerde.map(Other.wrapped), for: "the right values of a join")
        return StreamJoinPlan(
            left: self, right: other, leftSide: .init(key: { $0.optional }, value: { $0.optional }),
            rightSide: .init(key: { $0.optional }, value: { $0.optional }), key: key, leftValue: value, rightValue: otherValue,
            windows: windows, join: join, store: store, named: named
        ).stream(
            repartitionKey: Key.optional(key), Key.optional(key), value: Value.optional(value), Other.optional(otherValue),
            resultKeySerde: resultKeySerde(key))
    }
}

extension Serde {
    /// A value unless it stands for null.
    @inlinable var nonNull: @Sendable (Value) -> Value? {
        guard allowsNull else { return { $0 } }
        let serde = self
        return { serde.isNull($0) ? nil : $0 }
    }
}
