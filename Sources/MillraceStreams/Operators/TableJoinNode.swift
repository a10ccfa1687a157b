import MillraceCore

/// Joins each update of one table with the current row of another.
///
/// Kafka: `KTableKTableInnerJoin`, `LeftJoin`, `RightJoin` and `OuterJoin`.
@usableFromInline
final class TableJoinNode<Key, Own, Other, Result> {
    @usableFromInline let side: TableJoinSide
    @usableFromInline let lookup: TableLookup<Key, Other>
    @usableFromInline let sendsOldValues: Bool
    @usableFromInline let ignoresThePast: Bool
    @usableFromInline let join: (Own?, Other?) throws -> Result?
    @usableFromInline let output: Output<Key, Change<Result>>
    @usableFromInline let site: NodeSite

    /// - Parameters:
    ///   - lookup: Finds rows of the other table.
    ///   - ignoresThePast: Whether the updates come from a versioned table, and those that do not concern the current row are left out.
    @inlinable
    init(
        _ side: TableJoinSide, _ lookup: TableLookup<Key, Other>, sendsOldValues: Bool, ignoresThePast: Bool, _ assembly: NodeAssembly,
        join: @escaping (Own?, Other?) throws -> Result?
    ) throws {
        self.side = side
        self.lookup = lookup
        self.sendsOldValues = sendsOldValues
        self.ignoresThePast = ignoresThePast
        self.join = join
        output = try assembly.output(Key.self, Change<Result>.self)
        site = assembly.site
    }

    @inlinable
    func receive(_ record: Record<Key, Change<Own>>) throws {
        let update = record.value
        if ignoresThePast, !update.isLatest { return site.drop(.outOfOrder) }
        let row = try site.unlessRefused { try lookup.find(record.key) }
        let other = row?.value
        if other == nil, side.needsOther || (update.new == nil && update.old == nil) { return }
        var change = Change<Result>(new: nil, old: nil, isLatest: update.isLatest)
        var refusal: (any Error)?
        do { change.new = try joined(update.new, other) } catch {
            guard sendsOldValues else { throw site.failure(error) }
            refusal = try site.refusal(error)
        }
        if sendsOldValues { change.old = try site.unlessRefused { try joined(update.old, other) } }
        if let refusal, change.old == nil { throw refusal }
        let time = max(record.timestamp, row?.timestamp ?? .none)
        try output.send(Record(key: record.key, value: change, timestamp: time, headers: record.headers))
        if let refusal { throw refusal }
    }

    @inlinable
    func joined(_ own: Own?, _ other: Other?) throws -> Result? {
        guard own != nil || (side.joinsDeletedRows && other != nil) else { return nil }
        return try join(own, other)
    }
}
