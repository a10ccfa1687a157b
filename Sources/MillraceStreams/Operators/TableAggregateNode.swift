import MillraceCore

/// What an aggregation of a grouped table computes.
@usableFromInline
struct TableAggregate<Key, Value, Result>: Sendable {
    /// Adds a value; the result so far is `nil` before the first value.
    @usableFromInline let add: @Sendable (Key, Value, Result?) throws -> Result?
    /// Takes a value out again.
    @usableFromInline let subtract: @Sendable (Key, Value, Result) throws -> Result?

    @inlinable
    init(
        add: @escaping @Sendable (Key, Value, Result?) throws -> Result?,
        subtract: @escaping @Sendable (Key, Value, Result) throws -> Result?
    ) {
        self.add = add
        self.subtract = subtract
    }
}

/// Keeps one result for each group and sends each change of it.
///
/// A value that the adder refuses is not in the result, and is not taken out when its row changes. Whether it was refused is not kept anywhere: the adder is asked again.
///
/// Kafka: `KTableAggregate` and `KTableReduce`.
@usableFromInline
final class TableAggregateNode<Key, Value, Result> {
    @usableFromInline let aggregate: TableAggregate<Key, Value, Result>
    @usableFromInline let sendsOldValues: Bool
    @usableFromInline let store: TableStore<Key, Result>
    @usableFromInline let output: Output<Key, Change<Result>>
    @usableFromInline let site: NodeSite

    @inlinable
    init(_ aggregate: TableAggregate<Key, Value, Result>, store: String, sendsOldValues: Bool, _ assembly: NodeAssembly) throws {
        self.aggregate = aggregate
        self.sendsOldValues = sendsOldValues
        self.store = try TableStore(named: store, in: assembly.task)
        output = try assembly.output()
        site = assembly.site
        self.store.sendExpiry(to: output, withOldValues: sendsOldValues)
    }

    /// Takes the old value out first and then adds the new one, in one step if both are there.
    @inlinable
    func receive(_ record: Record<Key, Change<Value>>) throws {
        let key = record.key
        let place = try store.place(of: key)
        let row = place.row
        var result = row?.value
        var (refusal, isUntouched): ((any Error)?, Bool) = (nil, true)
        if let old = record.value.old, let present = result, !site.skipsFailures || accepts(old, of: key) {
            do {
                result = try aggregate.subtract(key, old, present)
                isUntouched = false
            } catch { refusal = try site.refusal(error) }
        }
        if let new = record.value.new {
            do {
                result = try aggregate.add(key, new, result)
                isUntouched = false
            } catch { refusal = try site.refusal(error) }
        }
        if isUntouched, let refusal { throw refusal }
        let time = max(record.timestamp, row?.timestamp ?? record.timestamp)
        if let put = try store.put(key, result, time, deletion: record.timestamp, at: place) {
            let change = Change(new: result, old: sendsOldValues ? row?.value ?? store.overdue?.value : nil, isLatest: put.isLatest)
            try output.send(Record(key: key, value: change, timestamp: time, headers: record.headers))
        } else {
            site.drop(.expired)
        }
        if let refusal { throw refusal }
    }

    /// Whether the adder would take a value, as the first of a group: what it says of the group at hand depends on what else is there now.
    @inlinable
    func accepts(_ value: Value, of key: Key) -> Bool {
        do {
            _ = try aggregate.add(key, value, nil)
            return true
        } catch { return false }
    }
}
