import MillraceCore
import MillracePlan

extension KStream {
    /// Each record with the table's row of the same key; records without a row are left out.
    ///
    ///     orders.join(customers) { order, customer in Invoice(order, customer) }
    ///
    /// The row is the one that the table has when the record is processed; a versioned table is asked for the row as of the record's time. Only records of the stream have results,
    /// a change of the table has none. Stream and table are partitioned alike, so a stream whose key may have changed goes through a repartition topic first.
    ///
    /// - Parameters:
    ///   - grace: How long records are held back, by the stream's time, so that rows that come late are found. Only with a versioned table that keeps at least as much history:
    ///     `build` throws otherwise.
    ///   - key: How keys are written to the repartition topic.
    ///   - value: How values are written to the repartition topic, and to the buffer of records that are held back.
    ///   - named: Names the node, and the repartition topic if there is one.
    ///   - joiner: Gets the record's value and the row's.
    ///
    /// Kafka: `join(KTable, …)`.
    @inlinable
    public func join<Row, Result>(
        _ table: KTable<Key, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .plain(), .inner { try joiner($1, $2) })
    }

    /// Each record with the table's row of the same key; `joiner` gets the key too.
    @inlinable
    public func join<Row, Result>(
        _ table: KTable<Key, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Key, Value, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .plain(), .inner(joiner))
    }

    /// Each record with the table's row of the same key, or with `nil` where there is none.
    ///
    ///     orders.leftJoin(customers) { order, customer in Invoice(order, customer ?? .unknown) }
    ///
    /// Kafka: `leftJoin(KTable, …)`.
    @inlinable
    public func leftJoin<Row, Result>(
        _ table: KTable<Key, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .plain(), .left { try joiner($1, $2) })
    }

    /// Each record with the table's row of the same key, or with `nil`; `joiner` gets the key too.
    @inlinable
    public func leftJoin<Row, Result>(
        _ table: KTable<Key, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Key, Value, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .plain(), .left(joiner))
    }
}

extension KStream where Value: Nullable {
    /// Each record with the table's row of the same key. Records without a value are dropped and counted as `nullValue`.
    @inlinable
    public func join<Row, Result>(
        _ table: KTable<Key, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value.Wrapped, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optionalValues(), .inner { try joiner($1, $2) })
    }

    /// Each record with the table's row of the same key; `joiner` gets the key too. Records without a value are dropped.
    @inlinable
    public func join<Row, Result>(
        _ table: KTable<Key, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Key, Value.Wrapped, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optionalValues(), .inner(joiner))
    }

    /// Each record with the table's row of the same key, or with `nil`. Records without a value are dropped.
    @inlinable
    public func leftJoin<Row, Result>(
        _ table: KTable<Key, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value.Wrapped, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optionalValues(), .left { try joiner($1, $2) })
    }

    /// Each record with the table's row of the same key, or with `nil`; `joiner` gets the key too. Records without a value are dropped.
    @inlinable
    public func leftJoin<Row, Result>(
        _ table: KTable<Key, Row>, grace: Duration? = nil, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Key, Value.Wrapped, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, grace, key: key, value: value, named, .optionalValues(), .left(joiner))
    }
}
