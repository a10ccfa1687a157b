import MillraceCore

extension KStream where Key: Nullable {
    /// Each record with the table's row of the same key. Records without a key are dropped and counted as `nullKey`.
    @inlinable
    public func join<Row, Result>(
        _ table: KTable<Key.Wrapped, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optionalKeys(), .inner { try joiner($1, $2) })
    }

    /// Each record with the table's row of the same key; `joiner` gets the key too. Records without a key are dropped.
    @inlinable
    public func join<Row, Result>(
        _ table: KTable<Key.Wrapped, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Key.Wrapped, Value, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optionalKeys(), .innerOfKeyed(joiner))
    }

    /// Each record with the table's row of the same key, or with `nil` where there is none or the record has no key.
    @inlinable
    public func leftJoin<Row, Result>(
        _ table: KTable<Key.Wrapped, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optionalKeys(), .left { try joiner($1, $2) })
    }

    /// Each record with the table's row of the same key, or with `nil` where there is none or the record has no key; `joiner` gets the key too.
    @inlinable
    public func leftJoin<Row, Result>(
        _ table: KTable<Key.Wrapped, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Key, Value, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optionalKeys(), .left(joiner))
    }
}

extension KStream where Key: Nullable, Value: Nullable {
    /// Each record with the table's row of the same key. Records without key or value are dropped.
    @inlinable
    public func join<Row, Result>(
        _ table: KTable<Key.Wrapped, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value.Wrapped, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optional(), .inner { try joiner($1, $2) })
    }

    /// Each record with the table's row of the same key; `joiner` gets the key too. Records without key or value are dropped.
    @inlinable
    public func join<Row, Result>(
        _ table: KTable<Key.Wrapped, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Key.Wrapped, Value.Wrapped, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optional(), .innerOfKeyed(joiner))
    }

    /// Each record with the table's row of the same key, or with `nil` where there is none or the record has no key. Records without a value are dropped.
    @inlinable
    public func leftJoin<Row, Result>(
        _ table: KTable<Key.Wrapped, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value.Wrapped, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optional(), .left { try joiner($1, $2) })
    }

    /// Each record with the table's row of the same key, or with `nil`; `joiner` gets the key too. Records without a value are dropped.
    @inlinable
    public func leftJoin<Row, Result>(
        _ table: KTable<Key.Wrapped, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Key, Value.Wrapped, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optional(), .left(joiner))
    }
}
