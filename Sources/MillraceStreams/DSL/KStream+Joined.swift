import MillraceCore

// The three ways in which a join sees the types of its streams; all end in one `StreamJoinPlan`.
extension KStream {
    /// Keys and values as the streams' types say. A type that has a null of its own is still asked whether a value is one.
    func joined<Other, Result>(
        _ other: KStream<Key, Other>, within windows: JoinWindows, storeType: Materialized.Kind, in storeName: String?, named: String?,
        key: Serde<Key>?, value: Serde<Value>?, otherValue: Serde<Other>?,
        _ join: (_ nullKey: @escaping @Sendable () -> Key?) -> StreamJoin<Key, Key, Value, Other, Result>
    ) -> KStream<Key, Result> {
        let key = builder.serde(key ?? keySerde, for: "the keys of a join")
        let value = builder.serde(value ?? valueSerde, for: "the left values of a join")
        let otherValue = builder.serde(otherValue ?? other.valueSerde, for: "the right values of a join")
        return StreamJoinPlan(
            left: self, right: other, leftSide: .init(key: key.nonNull, value: value.nonNull),
            rightSide: .init(key: key.nonNull, value: otherValue.nonNull), key: key, leftValue: value, rightValue: otherValue,
            windows: windows, join: join { key.null }, storeType: storeType, storeName: storeName, named: named
        ).stream(repartitionKey: key, key, value: value, otherValue, resultKeySerde: key)
    }

    /// Values that may be missing.
    func joined<Left, Other, Result>(
        _ other: KStream<Key, Other?>, within windows: JoinWindows, storeType: Materialized.Kind, in storeName: String?, named: String?,
        key: Serde<Key>?, value: Serde<Left>?, otherValue: Serde<Other>?,
        _ join: (_ nullKey: @escaping @Sendable () -> Key?) -> StreamJoin<Key, Key, Left, Other, Result>
    ) -> KStream<Key, Result> where Value == Left? {
        let key = builder.serde(key ?? keySerde, for: "the keys of a join")
        let value = builder.serde(value ?? valueSerde?.wrapped(), for: "the left values of a join")
        let otherValue = builder.serde(otherValue ?? other.valueSerde?.wrapped(), for: "the right values of a join")
        return StreamJoinPlan(
            left: self, right: other, leftSide: .init(key: key.nonNull, value: { $0 }),
            rightSide: .init(key: key.nonNull, value: { $0 }), key: key, leftValue: value, rightValue: otherValue, windows: windows,
            join: join { key.null }, storeType: storeType, storeName: storeName, named: named
        ).stream(repartitionKey: key, key, value: value.optional, otherValue.optional, resultKeySerde: key)
    }

    /// Keys and values that may be missing.
    func joined<JoinKey, ResultKey, Left, Other, Result>(
        _ other: KStream<JoinKey?, Other?>, within windows: JoinWindows, storeType: Materialized.Kind, in storeName: String?,
        named: String?, key: Serde<JoinKey>?, value: Serde<Left>?, otherValue: Serde<Other>?,
        resultKeySerde: (Serde<JoinKey>) -> Serde<ResultKey>, _ join: StreamJoin<JoinKey, ResultKey, Left, Other, Result>
    ) -> KStream<ResultKey, Result> where Key == JoinKey?, Value == Left? {
        let key = builder.serde(key ?? keySerde?.wrapped(), for: "the keys of a join")
        let value = builder.serde(value ?? valueSerde?.wrapped(), for: "the left values of a join")
        let otherValue = builder.serde(otherValue ?? other.valueSerde?.wrapped(), for: "the right values of a join")
        return StreamJoinPlan(
            left: self, right: other, leftSide: .init(key: { $0 }, value: { $0 }), rightSide: .init(key: { $0 }, value: { $0 }), key: key,
            leftValue: value, rightValue: otherValue, windows: windows, join: join, storeType: storeType, storeName: storeName, named: named
        ).stream(
            repartitionKey: key.optional, key.optional, value: value.optional, otherValue.optional, resultKeySerde: resultKeySerde(key))
    }
}

extension Serde {
    /// A value unless it stands for null.
    var nonNull: @Sendable (Value) -> Value? {
        guard allowsNull else { return { $0 } }
        let serde = self
        return { serde.isNull($0) ? nil : $0 }
    }
}
