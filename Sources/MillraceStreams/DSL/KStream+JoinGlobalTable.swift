import MillraceCore
import MillracePlan

extension KStream {
    /// Each record with the row of a global table that it points at; records that point at none are left out.
    ///
    ///     orders.join(countries) { _, order in order.country } joining: { order, country in Delivery(order, country) }
    ///
    /// The row is the one that the table has now, whatever the record's time. A record for which `key` gives `nil` is dropped and counted as `nullKey`. Nothing is
    /// repartitioned, since every instance has the whole table. Kafka: `join(GlobalKTable, …)`.
    ///
    /// - Parameters:
    ///   - key: Where the row is; it may be made of the record's key and value.
    ///   - joiner: Gets the record's value and the row.
    public func join<TableKey, Row, Result>(
        _ table: GlobalKTable<TableKey, Row>, named: String? = nil, on key: @escaping @Sendable (Key, Value) throws -> TableKey?,
        joining joiner: @escaping @Sendable (Value, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, named: named, left: { $0 }, on: key, .inner { try joiner($1, $2) })
    }

    /// Each record with the row of a global table that it points at; `joiner` gets the record's key too.
    public func join<TableKey, Row, Result>(
        _ table: GlobalKTable<TableKey, Row>, named: String? = nil, on key: @escaping @Sendable (Key, Value) throws -> TableKey?,
        joining joiner: @escaping @Sendable (Key, Value, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, named: named, left: { $0 }, on: key, .inner(joiner))
    }

    /// Each record with the row of a global table that it points at, or with `nil` where it points at none.
    ///
    ///     orders.leftJoin(countries) { _, order in order.country } joining: { order, country in Delivery(order, country ?? .home) }
    ///
    /// Kafka: `leftJoin(GlobalKTable, …)`.
    public func leftJoin<TableKey, Row, Result>(
        _ table: GlobalKTable<TableKey, Row>, named: String? = nil, on key: @escaping @Sendable (Key, Value) throws -> TableKey?,
        joining joiner: @escaping @Sendable (Value, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, named: named, left: { $0 }, on: key, .left { try joiner($1, $2) })
    }

    /// Each record with the row of a global table that it points at, or with `nil`; `joiner` gets the record's key too.
    public func leftJoin<TableKey, Row, Result>(
        _ table: GlobalKTable<TableKey, Row>, named: String? = nil, on key: @escaping @Sendable (Key, Value) throws -> TableKey?,
        joining joiner: @escaping @Sendable (Key, Value, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, named: named, left: { $0 }, on: key, .left(joiner))
    }
}

extension KStream where Value: Nullable {
    /// Each record with the row of a global table that it points at. Records without a value are dropped and counted as `nullValue`.
    public func join<TableKey, Row, Result>(
        _ table: GlobalKTable<TableKey, Row>, named: String? = nil,
        on key: @escaping @Sendable (Key, Value.Wrapped) throws -> TableKey?,
        joining joiner: @escaping @Sendable (Value.Wrapped, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, named: named, left: \.optional, on: key, .inner { try joiner($1, $2) })
    }

    /// Each record with the row of a global table that it points at; `joiner` gets the record's key too. Records without a value are dropped.
    public func join<TableKey, Row, Result>(
        _ table: GlobalKTable<TableKey, Row>, named: String? = nil,
        on key: @escaping @Sendable (Key, Value.Wrapped) throws -> TableKey?,
        joining joiner: @escaping @Sendable (Key, Value.Wrapped, Row) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, named: named, left: \.optional, on: key, .inner(joiner))
    }

    /// Each record with the row of a global table that it points at, or with `nil`. Records without a value are dropped.
    public func leftJoin<TableKey, Row, Result>(
        _ table: GlobalKTable<TableKey, Row>, named: String? = nil,
        on key: @escaping @Sendable (Key, Value.Wrapped) throws -> TableKey?,
        joining joiner: @escaping @Sendable (Value.Wrapped, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, named: named, left: \.optional, on: key, .left { try joiner($1, $2) })
    }

    /// Each record with the row of a global table that it points at, or with `nil`; `joiner` gets the record's key too. Records without a value are dropped.
    public func leftJoin<TableKey, Row, Result>(
        _ table: GlobalKTable<TableKey, Row>, named: String? = nil,
        on key: @escaping @Sendable (Key, Value.Wrapped) throws -> TableKey?,
        joining joiner: @escaping @Sendable (Key, Value.Wrapped, Row?) throws -> Result
    ) -> KStream<Key, Result> {
        joined(table, named: named, left: \.optional, on: key, .left(joiner))
    }
}

/// What the join of a stream with a table computes, and whether it has a result for records without a row.
struct RowJoiner<Key, Left, Row, Result>: Sendable {
    /// Whether a record that points at no row has a result too.
    let keepsUnmatched: Bool
    /// The result, `nil` for none.
    let join: @Sendable (Key, Left, Row?) throws -> Result?

    static func inner(_ join: @escaping @Sendable (Key, Left, Row) throws -> Result) -> RowJoiner {
        RowJoiner(keepsUnmatched: false) { key, left, row in try row.map { try join(key, left, $0) } }
    }

    /// An inner join by the stream's key, so that there is a key wherever there is a row.
    static func innerOfKeyed(_ join: @escaping @Sendable (Key.Wrapped, Left, Row) throws -> Result) -> RowJoiner where Key: Nullable {
        RowJoiner(keepsUnmatched: false) { key, left, row in
            guard let key = key.optional, let row else { return nil }
            return try join(key, left, row)
        }
    }

    static func left(_ join: @escaping @Sendable (Key, Left, Row?) throws -> Result) -> RowJoiner {
        RowJoiner(keepsUnmatched: true, join: join)
    }
}

extension KStream {
    /// - Parameter left: The value of a record as the join takes it, `nil` where it is none.
    private func joined<Left, TableKey, Row, Result>(
        _ table: GlobalKTable<TableKey, Row>, named: String?, left: @escaping @Sendable (Value) -> Left?,
        on tableKey: @escaping @Sendable (Key, Left) throws -> TableKey?, _ joiner: RowJoiner<Key, Left, Row, Result>
    ) -> KStream<Key, Result> {
        // Kafka Streams calls inner joins so too.
        let name = builder.name(named, prefix: "KSTREAM-LEFTJOIN-")
        let store = table.storeName
        let payload = NodePayload { assembly in
            let node = try StreamTableJoinNode<Key, Left, TableKey, Row, Result>(
                TableLookup(reading: store, assembly), joiner, assembly)
            let site = assembly.site
            return NodeInput { (record: Record<Key, Value>) in
                guard let value = left(record.value) else { return site.drop(.nullValue) }
                let rowKey: TableKey?
                do { rowKey = try tableKey(record.key, value) } catch { throw site.failure(error) }
                try node.receive(record.key, at: rowKey, value, record.timestamp, record.headers)
            }
        }
        let joinNode = builder.addProcessor(name, parents: [node], payload, changesValue: Result.self != Value.self)
        joinNode.allowsNullKey = joiner.keepsUnmatched
        return KStream<Key, Result>(
            builder: builder, node: joinNode, name: name, key: keySerde, value: nil, sources: sources, needsRepartition: needsRepartition)
    }
}
