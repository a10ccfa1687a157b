import MillraceCore

/// Makes updates of a table from the records of a topic or stream, and keeps the rows where somebody needs them.
///
/// Kafka: `KTableSource.KTableSourceProcessor`.
final class TableSourceNode<Key, Value> {
    private let sendsOldValues: Bool
    private let store: TableStore<Key, Value>?
    private let output: Output<Key, Change<Value>>
    private let site: NodeSite

    init(_ view: TableSourceView<Key, Value>, _ assembly: NodeAssembly) throws {
        sendsOldValues = view.sendsOldValues
        store = view.isMaterialized ? try TableStore(named: view.store, in: assembly.task) : nil
        output = try assembly.output(Key.self, Change<Value>.self)
        site = assembly.site
        store?.sendExpiry(to: output, withOldValues: sendsOldValues)
    }

    func receive(_ key: Key?, _ value: Value?, _ timestamp: Timestamp, _ headers: Headers) throws {
        guard let key else { return site.drop(.nullKey) }
        var change = Change(new: value, old: nil)
        if let store {
            guard try store.apply(&change, to: key, timestamp, readsOld: sendsOldValues) else { return site.drop(.expired) }
        }
        try output.send(Record(key: key, value: change, timestamp: timestamp, headers: headers))
    }
}
