import MillraceCore

/// Makes updates of a table from the records of a topic or stream, and keeps the rows where somebody needs them.
///
/// Kafka: `KTableSource.KTableSourceProcessor`.
@usableFromInline
final class TableSourceNode<Key, Value> {
    @usableFromInline let sendsOldValues: Bool
    @usableFromInline let store: TableStore<Key, Value>?
    @usableFromInline let output: Output<Key, Change<Value>>
    @usableFromInline let site: NodeSite

    @inlinable
    init(_ view: TableSourceView<Key, Value>, _ assembly: NodeAssembly) throws {
        sendsOldValues = view.sendsOldValues
        store = view.isMaterialized ? try TableStore(named: view.store, in: assembly.task) : nil
        output = try assembly.output(Key.self, Change<Value>.self)
        site = assembly.site
        store?.sendExpiry(to: output, withOldValues: sendsOldValues)
    }

    @inlinable
    func receive(_ key: Key?, _ value: Value?, _ timestamp: Timestamp, _ headers: Headers) throws {
        guard let key else { return site.drop(.nullKey) }
        var change = Change(new: value, old: nil)
        if let store {
            guard try store.apply(&change, to: key, timestamp, readsOld: sendsOldValues) else { return site.drop(.expired) }
        }
        try output.send(Record(key: key, value: change, timestamp: timestamp, headers: headers))
    }
}
