import MillraceCore

/// Keeps one result for each key and each set of records that lie close together, and sends each change of it, or the last result once the window has closed.
///
/// A record at time `t` has a left window, which ends at `t`, and may have a right one, which starts just after it. So a new record changes the windows that it falls into, and
/// makes up to three: its left one, the right one of the record before it, and its right one if there are later records already.
///
/// Kafka: `KStreamSlidingWindowAggregate`. Windows are looked through from the youngest to the oldest, which is also the order of updates.
final class SlidingAggregateNode<Key, Value, Result> {
    private let aggregate: StreamAggregate<Key, Value, Result>
    private let windows: SlidingWindows
    private let context: AggregateContext<Value>
    private let store: WindowStore<Key, Result>
    private let output: Output<Windowed<Key>, Change<Result>>
    /// `nil`: every change is sent.
    private let closed: ClosedWindows<Key, Result>?
    private let site: NodeSite
    /// The highest time of a record with key and value that this node got.
    private let streamTime: ObservedTime
    private var closeTime: Int64 = -1

    init(
        _ aggregate: StreamAggregate<Key, Value, Result>, _ windows: SlidingWindows, _ context: AggregateContext<Value>,
        _ assembly: NodeAssembly
    ) throws {
        self.aggregate = aggregate
        self.windows = windows
        self.context = context
        store = try assembly.task.store(context.store)
        output = try assembly.output()
        closed = ClosedWindows(store, length: windows.difference.addingClamped(1), advance: 1, output, assembly.task)
        site = assembly.site
        streamTime = assembly.task.observedTime(of: assembly.name)
        if closed != nil { assembly.whenIdle { [self] time in try passTime(to: time) } }
    }

    private func passTime(to time: Timestamp) throws {
        streamTime.advance(to: time.milliseconds)
        try closed?.send(until: streamTime.value - windows.grace, Headers())
    }

    func receive(_ key: Key?, _ value: Value, _ timestamp: Timestamp, _ headers: Headers) throws {
        guard let key else { return site.drop(.nullKey) }
        if let isNull = context.isNull, isNull(value) { return site.drop(.nullValue) }
        let time = timestamp.milliseconds
        streamTime.advance(to: time)
        closeTime = streamTime.value - windows.grace
        guard end(from: time) >= closeTime else { return site.drop(.late) }
        guard windows.difference > 0 else {
            throw MillraceError(
                .configuration, "A sliding window needs a time difference of at least a millisecond; with 0 it would end where it starts.",
                node: site.name)
        }
        let record = Incoming(key: key, value: value, time: time, headers: headers, keyLength: try store.write(key))
        guard time >= windows.difference else { return try processEarly(record) }
        try process(record)
        try closed?.send(until: closeTime, headers)
    }

    /// A record on its way through the windows.
    private struct Incoming {
        let key: Key
        let value: Value
        let time: Int64
        let headers: Headers
        let keyLength: Int
        var timestamp: Timestamp { Timestamp(milliseconds: time) }
    }

    /// What a walk over the windows around a record found.
    private struct Surroundings {
        var starts: ContiguousArray<Int64> = []
        /// The result that the record's left window starts from: that of the last window that ends before the record.
        var left: Row<Result>?
        /// The result that the record's right window starts from: that of a window with the record in it, without the record.
        var right: Row<Result>?
        var hasLeftWindow = false
        var hasRightWindow = false
        /// The time of the latest record before this one.
        var previous: Int64?

        func needsRightWindow(of time: Int64) -> Bool {
            guard let right else { return false }
            return !hasRightWindow && right.timestamp.milliseconds > time
        }
    }

    private func process(_ record: Incoming) throws {
        var found = Surroundings()
        var isDone = false
        // Starts are compared, since ends may lie behind the end of time.
        let leftStart = record.time - windows.difference
        // Twice the difference back: where the window starts that holds the record before, and ends before this one.
        let range = max(0, record.time.addingClamped(-windows.difference).addingClamped(-windows.difference))...record.time.addingClamped(1)
        try store.forEachRow(record.key, in: range, reversed: true) { start, row in
            found.starts.append(start)
            if start > record.time {
                found.hasRightWindow = true
            } else if start > leftStart {
                if found.right == nil { found.right = row }
                try update(start, row, with: record)
            } else if start == leftStart {
                found.hasLeftWindow = true
                try update(start, row, with: record)
                guard row.timestamp.milliseconds < record.time else {
                    // There was a record at this time before: all windows exist.
                    isDone = true
                    return false
                }
                found.previous = row.timestamp.milliseconds
            } else {
                found.left = row
                found.previous = row.timestamp.milliseconds
                return false
            }
            return true
        }
        if !isDone { try makeWindows(for: record, found) }
    }

    private func makeWindows(for record: Incoming, _ found: Surroundings) throws {
        let leftStart = record.time - windows.difference
        if let previous = found.previous, !found.starts.contains(previous + 1), end(from: previous + 1) >= record.time {
            try update(previous + 1, nil, with: record)
        }
        if !found.hasLeftWindow {
            let before = found.previous.map { leftStart <= $0 } ?? false ? found.left : nil
            try update(leftStart, before.map { Row(value: $0.value, timestamp: record.timestamp, isDirty: false) }, with: record)
        }
        if found.needsRightWindow(of: record.time) { try makeRightWindow(for: record, found.right) }
    }

    /// A record whose left window would start before time 0: the window from 0 on takes its place, and holds all such records.
    private func processEarly(_ record: Incoming) throws {
        var found = Surroundings()
        var first: Row<Result>?
        try store.forEachRow(record.key, in: 0...record.time.addingClamped(1)) { start, row in
            found.starts.append(start)
            if start == 0 {
                first = row
                if row.timestamp.milliseconds < record.time { found.previous = row.timestamp.milliseconds }
            } else if start <= record.time {
                found.right = row
                try update(start, row, with: record)
            } else {
                found.hasRightWindow = true
            }
            return true
        }
        // Without a window of later records only, the first window holds no earlier ones.
        if found.right == nil, let first, first.timestamp.milliseconds > record.time { found.right = first }
        if found.needsRightWindow(of: record.time) { try makeRightWindow(for: record, found.right) }
        if let previous = found.previous, !found.starts.contains(previous + 1) { try update(previous + 1, nil, with: record) }
        try update(0, first, with: record)
    }

    /// Makes the window just after the record, with the records that are there already.
    private func makeRightWindow(for record: Incoming, _ row: Row<Result>?) throws {
        guard let row else { return }
        try store.write(row.value, row.timestamp, to: try store.place(atStart: record.time + 1, keyLength: record.keyLength))
        try send(record, start: record.time + 1, Change(new: row.value, old: nil), row.timestamp)
    }

    /// Adds the record to a window that has the result `row`, or none yet.
    private func update(_ start: Int64, _ row: Row<Result>?, with record: Incoming) throws {
        guard end(from: start) >= closeTime else { return site.drop(.late) }
        let new: Result?
        let old: Result?
        do {
            new = try aggregate.apply(record.key, record.value, row?.value)
            old = context.sendsOldValues ? try row?.value ?? aggregate.initial() : nil
        } catch { throw site.failure(error) }
        let time = max(record.timestamp, row?.timestamp ?? record.timestamp)
        // The deletion of a row is of the time of the record that caused it.
        try store.write(new, new == nil ? record.timestamp : time, to: try store.place(atStart: start, keyLength: record.keyLength))
        try send(record, start: start, Change(new: new, old: old), time)
    }

    private func send(_ record: Incoming, start: Int64, _ change: Change<Result>, _ timestamp: Timestamp) throws {
        guard closed == nil else { return }
        try output.send(
            Record(key: Windowed(record.key, store.window(from: start)), value: change, timestamp: timestamp, headers: record.headers))
    }

    /// The last time of the window that starts at `start`.
    private func end(from start: Int64) -> Int64 { start.addingClamped(windows.difference) }
}
