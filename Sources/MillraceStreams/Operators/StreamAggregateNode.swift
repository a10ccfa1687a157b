import MillraceCore

/// What an aggregation's node is made with, beyond its function: where it keeps its rows and whether updates show the old one.
@usableFromInline
struct AggregateContext<Value> {
    @usableFromInline let store: String
    @usableFromInline let sendsOldValues: Bool
    /// Whether a value stands for null; `nil` where none can.
    @usableFromInline let isNull: ((Value) -> Bool)?

    @usableFromInline
    init(store: String, sendsOldValues: Bool, isNull: ((Value) -> Bool)?) {
        self.store = store
        self.sendsOldValues = sendsOldValues
        self.isNull = isNull
    }
}

/// Keeps one result for each key and sends each change of it.
@usableFromInline
final class StreamAggregateNode<Key, Value, Result> {
    @usableFromInline let aggregate: StreamAggregate<Key, Value, Result>
    @usableFromInline let context: AggregateContext<Value>
    @usableFromInline let store: TableStore<Key, Result>
    @usableFromInline let output: Output<Key, Change<Result>>
    @usableFromInline let site: NodeSite

    @inlinable
    init(_ aggregate: StreamAggregate<Key, Value, Result>, _ context: AggregateContext<Value>, _ assembly: NodeAssembly) throws {
        self.aggregate = aggregate
        self.context = context
        store = try TableStore(named: context.store, in: assembly.task)
        output = try assembly.output(Key.self, Change<Result>.self)
        site = assembly.site
        store.sendExpiry(to: output, withOldValues: context.sendsOldValues)
    }

    @inlinable
    func receive(_ key: Key?, _ value: Value, _ timestamp: Timestamp, _ headers: Headers) throws {
        guard let key else { return site.drop(.nullKey) }
        if let isNull = context.isNull, isNull(value) { return site.drop(.nullValue) }
        let place = try store.place(of: key)
        let row = place.row
        let new: Result?
        let old: Result?
        do {
            new = try aggregate.apply(key, value, row?.value)
            old = context.sendsOldValues ? try row?.value ?? store.overdue?.value ?? aggregate.initial() : nil
        } catch { throw site.failure(error) }
        let time = max(timestamp, row?.timestamp ?? timestamp)
        guard let put = try store.put(key, new, time, deletion: timestamp, at: place) else { return site.drop(.expired) }
        try output.send(
            Record(key: key, value: Change(new: new, old: old, isLatest: put.isLatest), timestamp: time, headers: headers))
    }
}
