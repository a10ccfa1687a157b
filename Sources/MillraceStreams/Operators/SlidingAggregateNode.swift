import MillraceCore

/// Keeps one result for each key and each set of records that lie close together, and sends each change of it, or the last result once the window has closed.
///
/// A record at time `t` has a left window, which ends at `t`, and may have a right one, which starts just after it. So a new record changes the windows that it falls into, and
/// makes up to three: its left one, the right one of the record before it, and its right one if there are later records already.
///
/// Kafka: `KStreamSlidingWindowAggregate`. Windows are looked through from the youngest to the oldest, which is also the order of updates.
@usableFromInline
final class SlidingAggregateNode<Key, Value, Result> {
    @usableFromInline let aggregate: StreamAggregate<Key, Value, Result>
    @usableFromInline let windows: SlidingWindows
    @usableFromInline let context: AggregateContext<Value>
    @usableFromInline let store: WindowStore<Key, Result>
    @usableFromInline let output: Output<Windowed<Key>, Change<Result>>
    /// `nil`: every change is sent.
    @usableFromInline let closed: ClosedWindows<Key, Result>?
    @usableFromInline let site: NodeSite
    /// The highest time of a record with key and value that this node got.
    @usableFromInline let streamTime: ObservedTime
    // Changed for every record, in calls that do not lead back here.
    @exclusivity(unchecked) @usableFromInline var closeTime: Int64 = -1
    /// The starts of the windows that the record at hand has met, reused from record to record.
    @exclusivity(unchecked) @usableFromInline var starts: ContiguousArray<Int64> = []

    @inlinable
    init(
        _ aggregate: StreamAggregate<Key, Value, Result>, _ windows: SlidingWindows, _ context: AggregateContext<Value>,
        _ assembly: NodeAssembly
    ) throws {
        self.aggregate = aggregate
        self.windows = windows
        self.context = context
        store = try assembly.task.store(context.store)
        try store.keepRuns()
        output = try assembly.output()
        closed = ClosedWindows(store, length: windows.difference.addingClamped(1), advance: 1, output, assembly.task)
        site = assembly.site
        streamTime = assembly.task.observedTime(of: assembly.name)
        if closed != nil { assembly.whenIdle { [self] time in try passTime(to: time) } }
    }

    @inlinable
    func passTime(to time: Timestamp) throws {
        streamTime.advance(to: time.milliseconds)
        try closed?.send(until: streamTime.value - windows.grace, Headers())
    }

    @inlinable
    func receive(_ key: Key?, _ value: Value, _ timestamp: Timestamp, _ headers: Headers) throws {
        guard let key else { return site.drop(.nullKey) }
        if let isNull = context.isNull, isNull(value) { return site.drop(.nullValue) }
        let time = timestamp.milliseconds
        streamTime.advance(to: time)
        closeTime = streamTime.value - windows.grace
        guard end(from: time) >= closeTime else { return site.drop(.late) }
        guard windows.difference > 0 else {
            throw noDifference
        }
        let record = Incoming(key: key, value: value, time: time, headers: headers, keyLength: try store.write(key))
        guard time >= windows.difference else { return try processEarly(record) }
        try process(record)
        try closed?.send(until: closeTime, headers)
    }

    /// A record on its way through the windows.
    @usableFromInline
    struct Incoming {
        @usableFromInline let key: Key
        @usableFromInline let value: Value
        @usableFromInline let time: Int64
        @usableFromInline let headers: Headers
        @usableFromInline let keyLength: Int
        @inlinable var timestamp: Timestamp { Timestamp(milliseconds: time) }

        @inlinable
        init(key: Key, value: Value, time: Int64, headers: Headers, keyLength: Int) {
            self.key = key
            self.value = value
            self.time = time
            self.headers = headers
            self.keyLength = keyLength
        }
    }

    /// What a walk over the windows around a record found.
    @usableFromInline
    struct Surroundings {
        /// The result that the record's left window starts from: that of the last window that ends before the record.
        @usableFromInline var left: Row<Result>?
        /// The result that the record's right window starts from: that of a window with the record in it, without the record.
        @usableFromInline var right: Row<Result>?
        @usableFromInline var hasLeftWindow = false
        @usableFromInline var hasRightWindow = false
        /// The time of the latest record before this one.
        @usableFromInline var previous: Int64?

        @inlinable
        init() {}

        @inlinable
        func needsRightWindow(of time: Int64) -> Bool {
            guard let right else { return false }
            return !hasRightWindow && right.timestamp.milliseconds > time
        }
    }

    @inlinable
    func process(_ record: Incoming) throws {
        var found = Surroundings()
        var isDone = false
        starts.removeAll(keepingCapacity: true)
        // Starts are compared, since ends may lie behind the end of time.
        let leftStart = record.time - windows.difference
        // Twice the difference back: where the window starts that holds the record before, and ends before this one.
        let range = max(0, record.time.addingClamped(-windows.difference).addingClamped(-windows.difference))...record.time.addingClamped(1)
        try store.forEachPlace(keyLength: record.keyLength, in: range, reversed: true) { start, place in
            guard let row = place.row else { return true }
            starts.append(start)
            if start > record.time {
                found.hasRightWindow = true
            } else if start > leftStart {
                if found.right == nil { found.right = row }
                try update(start, row, at: place, with: record)
            } else if start == leftStart {
                found.hasLeftWindow = true
                try update(start, row, at: place, with: record)
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

    @inlinable
    func makeWindows(for record: Incoming, _ found: Surroundings) throws {
        let leftStart = record.time - windows.difference
        if let previous = found.previous, !starts.contains(previous + 1), end(from: previous + 1) >= record.time {
            try update(previous + 1, nil, with: record)
        }
        if !found.hasLeftWindow {
            let before = found.previous.map { leftStart <= $0 } ?? false ? found.left : nil
            try update(leftStart, before.map { Row(value: $0.value, timestamp: record.timestamp, isDirty: false) }, with: record)
        }
        if found.needsRightWindow(of: record.time) { try makeRightWindow(for: record, found.right) }
    }

    /// A record whose left window would start before time 0: the window from 0 on takes its place, and holds all such records.
    @inlinable
    func processEarly(_ record: Incoming) throws {
        var found = Surroundings()
        var first: Row<Result>?
        starts.removeAll(keepingCapacity: true)
        try store.forEachPlace(keyLength: record.keyLength, in: 0...record.time.addingClamped(1)) { start, place in
            guard let row = place.row else { return true }
            starts.append(start)
            if start == 0 {
                first = row
                if row.timestamp.milliseconds < record.time { found.previous = row.timestamp.milliseconds }
            } else if start <= record.time {
                found.right = row
                try update(start, row, at: place, with: record)
            } else {
                found.hasRightWindow = true
            }
            return true
        }
        // Without a window of later records only, the first window holds no earlier ones.
        if found.right == nil, let first, first.timestamp.milliseconds > record.time { found.right = first }
        if found.needsRightWindow(of: record.time) { try makeRightWindow(for: record, found.right) }
        if let previous = found.previous, !starts.contains(previous + 1) { try update(previous + 1, nil, with: record) }
        try update(0, first, with: record)
    }

    /// Makes the window just after the record, with the records that are there already.
    @inlinable
    func makeRightWindow(for record: Incoming, _ row: Row<Result>?) throws {
        guard let row else { return }
        try store.write(row.value, row.timestamp, to: try store.place(atStart: record.time + 1, keyLength: record.keyLength))
        try send(record, start: record.time + 1, Change(new: row.value, old: nil), row.timestamp)
    }

    /// Adds the record to a window that has the result `row`, or none yet.
    ///
    /// - Parameter place: Where the window is, if that is known.
    @inlinable
    func update(_ start: Int64, _ row: Row<Result>?, at place: WindowStore<Key, Result>.Place? = nil, with record: Incoming) throws {
        guard end(from: start) >= closeTime else { return site.drop(.late) }
        let new: Result?
        let old: Result?
        do {
            new = try aggregate.apply(record.key, record.value, row?.value)
            old = context.sendsOldValues ? try row?.value ?? aggregate.initial() : nil
        } catch { throw site.failure(error) }
        let time = max(record.timestamp, row?.timestamp ?? record.timestamp)
        // The deletion of a row is of the time of the record that caused it.
        let written = new == nil ? record.timestamp : time
        try store.write(new, written, to: try place ?? store.place(atStart: start, keyLength: record.keyLength))
        try send(record, start: start, Change(new: new, old: old), time)
    }

    @inlinable
    func send(_ record: Incoming, start: Int64, _ change: Change<Result>, _ timestamp: Timestamp) throws {
        guard closed == nil else { return }
        try output.send(
            Record(key: Windowed(record.key, store.window(from: start)), value: change, timestamp: timestamp, headers: record.headers))
    }

    /// The last time of the window that starts at `start`.
    @inlinable
    func end(from start: Int64) -> Int64 { start.addingClamped(windows.difference) }

    @usableFromInline var noDifference: MillraceError {
        MillraceError(
            .configuration, "A sliding window needs a time difference of at least a millisecond; with 0 it would end where it starts.",
            node: site.name)
    }
}
