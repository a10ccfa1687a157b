import MillraceCore

/// Has each update of a table transformed, deletions too.
///
/// Kafka: `KTableTransformValues`.
@usableFromInline
final class TableTransformNode<Key, Value, NewValue> {
    @usableFromInline let transformer: any TableTransformer<Key, Value, NewValue>
    @usableFromInline let sendsOldValues: Bool
    @usableFromInline let store: TableStore<Key, NewValue>?
    @usableFromInline let output: Output<Key, Change<NewValue>>
    @usableFromInline let site: NodeSite

    @inlinable
    init(
        _ transformer: any TableTransformer<Key, Value, NewValue>, store: String?, sendsOldValues: Bool, _ assembly: NodeAssembly
    ) throws {
        self.transformer = transformer
        self.sendsOldValues = sendsOldValues
        self.store = try store.map { try TableStore(named: $0, in: assembly.task) }
        output = try assembly.output()
        site = assembly.site
    }

    @inlinable
    func receive(_ record: Record<Key, Change<Value>>) throws {
        let key = record.key
        var change = Change<NewValue>(new: nil, old: nil, isLatest: record.value.isLatest)
        var refusal: (any Error)?
        do { change.new = try transform(record, record.value.new) } catch {
            // Where rows are kept, or nobody asks for old ones, the row stays as it was.
            guard sendsOldValues, store == nil else { throw site.failure(error) }
            refusal = try site.refusal(error)
        }
        if let store {
            guard try store.apply(&change, to: key, record.timestamp, readsOld: sendsOldValues) else { return site.drop(.expired) }
        } else if sendsOldValues {
            change.old = try site.unlessRefused { try transform(record, record.value.old) }
            if let refusal, change.old == nil { throw refusal }
        }
        try output.send(record.with(value: change))
        if let refusal { throw refusal }
    }

    @inlinable
    func transform(_ record: Record<Key, Change<Value>>, _ value: Value?) throws -> NewValue? {
        try site.task.handling(record.timestamp, record.headers) {
            try transformer.transform(FixedKeyRecord(record.with(value: value)))
        }
    }
}
