import MillraceCore

/// Computes each update of a table from one update of another: the inside of `filter` and `mapValues`.
///
/// Kafka: `KTableFilter` and `KTableMapValues`.
@usableFromInline
final class DerivedTableNode<Key, Value, Result> {
    @usableFromInline let derive: (Key, Value) throws -> Result?
    @usableFromInline let sendsOldValues: Bool
    @usableFromInline let dropsEmptyUpdates: Bool
    @usableFromInline let store: TableStore<Key, Result>?
    @usableFromInline let output: Output<Key, Change<Result>>
    @usableFromInline let site: NodeSite

    /// - Parameters:
    ///   - dropsEmptyUpdates: Whether an update from no value to no value is left out, which is only known where old values are sent.
    ///   - derive: The new value from the one of the other table; not called for a deleted row.
    @inlinable
    init(
        store: String?, sendsOldValues: Bool, dropsEmptyUpdates: Bool, _ assembly: NodeAssembly,
        derive: @escaping (Key, Value) throws -> Result?
    ) throws {
        self.derive = derive
        self.sendsOldValues = sendsOldValues
        self.dropsEmptyUpdates = dropsEmptyUpdates && sendsOldValues
        self.store = try store.map { try TableStore(named: $0, in: assembly.task) }
        output = try assembly.output(Key.self, Change<Result>.self)
        site = assembly.site
    }

    @inlinable
    func receive(_ record: Record<Key, Change<Value>>) throws {
        let key = record.key
        var change = Change<Result>(new: nil, old: nil, isLatest: record.value.isLatest)
        var refusal: (any Error)?
        do { change.new = try record.value.new.flatMap { try derive(key, $0) } } catch {
            // Where rows are kept, or nobody asks for old ones, the row stays as it was.
            guard sendsOldValues, store == nil else { throw site.failure(error) }
            refusal = try site.refusal(error)
        }
        if let store {
            // Where nothing was and nothing comes, the row stays unwritten too.
            if dropsEmptyUpdates, change.new == nil, try store.get(key) == nil { return }
            guard try store.apply(&change, to: key, record.timestamp, readsOld: sendsOldValues) else { return site.drop(.expired) }
        } else if sendsOldValues {
            change.old = try site.unlessRefused { try record.value.old.flatMap { try derive(key, $0) } }
            if let refusal, change.old == nil { throw refusal }
            if dropsEmptyUpdates, change.new == nil, change.old == nil { return }
        }
        try output.send(record.with(value: change))
        if let refusal { throw refusal }
    }
}
