import MillraceCore

/// What an aggregation of a grouped table computes.
struct TableAggregate<Key, Value, Result>: Sendable {
    /// Adds a value; the result so far is `nil` before the first value.
    let add: @Sendable (Key, Value, Result?) throws -> Result?
    /// Takes a value out again.
    let subtract: @Sendable (Key, Value, Result) throws -> Result?
}

/// Keeps one result for each group and sends each change of it.
///
/// Kafka: `KTableAggregate` and `KTableReduce`.
final class TableAggregateNode<Key, Value, Result> {
    private let aggregate: TableAggregate<Key, Value, Result>
    private let sendsOldValues: Bool
    private let store: TableStore<Key, Result>
    private let output: Output<Key, Change<Result>>
    private let site: NodeSite

    init(_ aggregate: TableAggregate<Key, Value, Result>, store: String, sendsOldValues: Bool, _ assembly: NodeAssembly) throws {
        self.aggregate = aggregate
        self.sendsOldValues = sendsOldValues
        self.store = try TableStore(named: store, in: assembly.task)
        output = try assembly.output()
        site = assembly.site
        self.store.sendExpiry(to: output, withOldValues: sendsOldValues)
    }

    /// Takes the old value out first and then adds the new one, in one step if both are there.
    func receive(_ record: Record<Key, Change<Value>>) throws {
        let key = record.key
        let place = try store.place(of: key)
        let row = place.row
        var result = row?.value
        do {
            if let old = record.value.old, let present = result { result = try aggregate.subtract(key, old, present) }
            if let new = record.value.new { result = try aggregate.add(key, new, result) }
        } catch { throw site.failure(error) }
        let time = max(record.timestamp, row?.timestamp ?? record.timestamp)
        guard let put = try store.put(key, result, time, deletion: record.timestamp, at: place) else { return site.drop(.expired) }
        let change = Change(new: result, old: sendsOldValues ? row?.value ?? store.overdue?.value : nil, isLatest: put.isLatest)
        try output.send(Record(key: key, value: change, timestamp: time, headers: record.headers))
    }
}
