import MillraceCore

/// Splits an update of a table into what a group loses and what a group gains.
///
/// A row that `select` refuses is in no group: the update that brings it is a loss, and the one that follows it a gain.
///
/// Kafka: `KTableRepartitionMap`.
@usableFromInline
final class TableGroupingNode<Key, Value, GroupKey: Equatable, GroupValue> {
    @usableFromInline let select: (Key, Value) throws -> (GroupKey?, GroupValue?)
    @usableFromInline let ignoresThePast: Bool
    @usableFromInline let output: Output<GroupKey, Change<GroupValue>>
    @usableFromInline let site: NodeSite

    /// - Parameter ignoresThePast: Whether updates of a versioned table that do not concern the latest version are left out: groups hold the latest values only.
    @inlinable
    init(
        ignoresThePast: Bool, _ assembly: NodeAssembly, select: @escaping (Key, Value) throws -> (GroupKey?, GroupValue?)
    ) throws {
        self.select = select
        self.ignoresThePast = ignoresThePast
        output = try assembly.output()
        site = assembly.site
    }

    @inlinable
    func receive(_ record: Record<Key, Change<Value>>) throws {
        if ignoresThePast, !record.value.isLatest { return site.drop(.outOfOrder) }
        var refusal: (any Error)?
        var gain: (key: GroupKey, value: GroupValue)?
        do { gain = try member(record.key, record.value.new) } catch { refusal = try site.refusal(error) }
        let loss = try site.unlessRefused { try member(record.key, record.value.old) }
        if let gain, let loss, gain.key == loss.key {
            return try send(loss.key, Change(new: gain.value, old: loss.value), record)
        }
        if let loss { try send(loss.key, Change(new: nil, old: loss.value), record) }
        if let gain { try send(gain.key, Change(new: gain.value, old: nil), record) }
        if let refusal { throw refusal }
    }

    /// The group that a value is in, and what it is there; `nil` when it is in none.
    @inlinable
    func member(_ key: Key, _ value: Value?) throws -> (key: GroupKey, value: GroupValue)? {
        guard let value, case (let key?, let value?) = try select(key, value) else { return nil }
        return (key, value)
    }

    @inlinable
    func send(_ key: GroupKey, _ change: Change<GroupValue>, _ record: Record<Key, Change<Value>>) throws {
        try output.send(Record(key: key, value: change, timestamp: record.timestamp, headers: record.headers))
    }
}
