import MillraceCore

/// Keeps one result for each key and window of a fixed size, and sends each change of it, or the last result once the window has closed.
///
/// Kafka: `KStreamWindowAggregate`.
@usableFromInline
final class WindowAggregateNode<Key, Value, Result> {
    @usableFromInline let aggregate: StreamAggregate<Key, Value, Result>
    @usableFromInline let grid: WindowGrid
    @usableFromInline let sendsOldValues: Bool
    @usableFromInline let store: WindowStore<Key, Result>
    @usableFromInline let output: Output<Windowed<Key>, Change<Result>>
    /// `nil`: every change is sent.
    @usableFromInline let closed: ClosedWindows<Key, Result>?
    @usableFromInline let site: NodeSite
    /// The highest time of a record with a key that this node got.
    @usableFromInline let streamTime: ObservedTime

    @inlinable
    init(
        _ aggregate: StreamAggregate<Key, Value, Result>, _ grid: WindowGrid, _ context: AggregateContext<Value>,
        _ assembly: NodeAssembly
    ) throws {
        self.aggregate = aggregate
        self.grid = grid
        sendsOldValues = context.sendsOldValues
        store = try assembly.task.store(context.store)
        output = try assembly.output()
        closed = ClosedWindows(store, length: grid.size, advance: grid.advance, output, assembly.task)
        site = assembly.site
        streamTime = assembly.task.observedTime(of: assembly.name)
        if closed != nil { assembly.whenIdle { [self] time in try passTime(to: time) } }
    }

    @usableFromInline
    func passTime(to time: Timestamp) throws {
        streamTime.advance(to: time.milliseconds)
        try closed?.send(until: streamTime.value - grid.grace, Headers())
    }

    @inlinable
    func receive(_ key: Key?, _ value: Value, _ timestamp: Timestamp, _ headers: Headers) throws {
        guard let key else { return site.drop(.nullKey) }
        let time = timestamp.milliseconds
        streamTime.advance(to: time)
        let closeTime = streamTime.value - grid.grace
        var next: Int64? = grid.firstStart(containing: time)
        let keyLength = try store.write(key)
        while let start = next, start <= time {
            next = grid.start(after: start)
            let end = grid.end(from: start)
            guard end > closeTime else {
                site.drop(.late)
                continue
            }
            let place = try store.place(atStart: start, keyLength: keyLength)
            let row = place.row
            let new: Result?
            let old: Result?
            do {
                new = try aggregate.apply(key, value, row?.value)
                old = sendsOldValues ? try row?.value ?? aggregate.initial() : nil
            } catch { throw site.failure(error) }
            let newTime = max(timestamp, row?.timestamp ?? timestamp)
            // The deletion of a row is of the time of the record that caused it.
            try store.write(new, new == nil ? timestamp : newTime, to: place)
            guard closed == nil else { continue }
            let window = Window(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end))
            try output.send(Record(key: Windowed(key, window), value: Change(new: new, old: old), timestamp: newTime, headers: headers))
        }
        try closed?.send(until: closeTime, headers)
    }
}
