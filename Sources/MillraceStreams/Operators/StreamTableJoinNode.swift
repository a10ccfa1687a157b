import MillraceCore

/// Joins each record of a stream with the row of a table that it points at: the inside of the joins of a stream with a table or a global table.
///
/// Kafka: `KStreamKTableJoinProcessor` without a grace period.
@usableFromInline
final class StreamTableJoinNode<Key, Left, TableKey, Row, Result> {
    @usableFromInline let lookup: TableLookup<TableKey, Row>
    @usableFromInline let joiner: RowJoiner<Key, Left, Row, Result>
    @usableFromInline let output: Output<Key, Result>
    @usableFromInline let site: NodeSite

    /// - Parameter lookup: Finds rows. Where the table keeps its history, the row is the one as of the record's time.
    @inlinable
    init(_ lookup: TableLookup<TableKey, Row>, _ joiner: RowJoiner<Key, Left, Row, Result>, _ assembly: NodeAssembly) throws {
        self.lookup = lookup
        self.joiner = joiner
        output = try assembly.output(Key.self, Result.self)
        site = assembly.site
    }

    /// Joins a record, whose row is at `tableKey`: `nil` where it points at none.
    @inlinable
    func receive(_ key: Key, at tableKey: TableKey?, _ value: Left, _ timestamp: Timestamp, _ headers: Headers) throws {
        guard let tableKey else {
            guard joiner.keepsUnmatched else { return site.drop(.nullKey) }
            return try send(key, value, nil, timestamp, headers)
        }
        let row = if let findAsOf = lookup.findAsOf { try findAsOf(tableKey, timestamp) } else { try lookup.find(tableKey) }
        try send(key, value, row?.value, timestamp, headers)
    }

    @inlinable
    func send(_ key: Key, _ value: Left, _ row: Row?, _ timestamp: Timestamp, _ headers: Headers) throws {
        let result: Result?
        do { result = try joiner.join(key, value, row) } catch { throw site.failure(error) }
        guard let result else { return }
        try output.send(Record(key: key, value: result, timestamp: timestamp, headers: headers))
    }
}
