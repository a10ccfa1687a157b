import MillraceCore

/// A store of one value for each key and window, windows being known by their start.
///
/// It forgets: a window is there as long as its start is later than the latest start that was put, minus the store's retention. A put of an older window changes nothing,
/// though the changelog gets it, as it does in Kafka Streams. Like every store it belongs to one task, and what is written counts from the task's next commit on.
///
/// Kafka: `WindowStore`, and `TimestampedWindowStore` for tables.
public final class WindowStore<Key, Value>: StateStore {
    /// The name, which is part of the changelog's.
    public let name: String
    /// The size of windows: what the end of a window is computed with.
    @usableFromInline let windowSize: Int64
    @usableFromInline let rows: SegmentedOverlay<Value>
    /// Kept when results are sent as windows close.
    @usableFromInline let index: WindowIndex?
    @usableFromInline let keySerde: Serde<Key>
    /// The key of the record that an aggregation handles, which stays over look-ups of operators behind it.
    @usableFromInline let keyBuffer = ByteBuffer()
    @usableFromInline let lookupBuffer = ByteBuffer()
    @usableFromInline let task: TaskContext
    /// What an aggregation still keeps to itself; merged into the rows before they are read or committed.
    @usableFromInline weak var unmerged: (any UnmergedRows)?
    /// The bytes behind the key: the start, and a sequence number that is always 0.
    static var suffixLength: Int { 12 }

    @usableFromInline
    init(
        name: String, windowSize: Int64, key: Serde<Key>, rows: SegmentedOverlay<Value>, isIndexed: Bool = false, task: TaskContext
    ) throws {
        self.name = name
        self.windowSize = windowSize
        self.rows = rows
        self.task = task
        keySerde = key
        index = isIndexed ? WindowIndex() : nil
        if index != nil { try forEachKey(in: 0...Int64.max) { bytes, _ in try addToIndex(bytes) } }
    }

    /// The value of `key` in the window that starts at `start`; `nil` when there is none or it was forgotten.
    public func fetch(_ key: Key, at start: Timestamp) throws -> Value? {
        try row(key, start.milliseconds)?.value
    }

    /// The values of `key` in the windows that start in `starts`, by start. Kafka: `fetch(key, from, to)`.
    public func fetch(_ key: Key, in starts: ClosedRange<Timestamp>) throws -> [(start: Timestamp, value: Value)] {
        var found: [(start: Timestamp, value: Value)] = []
        try forEachRow(key, in: starts.lowerBound.milliseconds...starts.upperBound.milliseconds) { start, row in
            if let value = row.value { found.append((Timestamp(milliseconds: start), value)) }
            return true
        }
        return found
    }

    /// All keys and values of the windows that start in `starts`. Kafka: `fetchAll`.
    ///
    /// Older rows come before much younger ones, but in between they are ordered by key and then start, as in Kafka's persistent store: rows are kept by segments of time.
    public func fetchAll(in starts: ClosedRange<Timestamp>) throws -> [(key: Windowed<Key>, value: Value)] {
        var found: [(key: Windowed<Key>, value: Value)] = []
        try forEachRow(in: starts.lowerBound.milliseconds...starts.upperBound.milliseconds) { key, row in
            if let value = row.value { found.append((key, value)) }
            return true
        }
        return found
    }

    /// All keys and values, in the order of `fetchAll`. Kafka: `all`.
    public func all() throws -> [(key: Windowed<Key>, value: Value)] {
        try fetchAll(in: 0...Timestamp(milliseconds: .max))
    }

    /// Sets the value of `key` in the window that starts at `start`, noted with the time of the record at hand; `nil` removes it.
    public func put(_ key: Key, _ value: Value?, at start: Timestamp) throws {
        try unmerged?.mergePanes()
        let place = try self.place(atStart: start.milliseconds, keyLength: try write(key, to: lookupBuffer), in: lookupBuffer)
        try write(value, task.timestamp, to: place, key: lookupBuffer)
    }

    public var byteCount: Int { rows.byteCount + (index?.byteCount ?? 0) + (unmerged?.byteCount ?? 0) }
    /// Whether anything was written since the last commit.
    public var hasUncommittedRows: Bool { rows.hasUncommittedRows || unmerged?.isEmpty == false }
    public var canSaveLater: Bool { true }
    public var savesSorted: Bool { true }
    public var unsavedBytes: Int { rows.unsavedBytes }

    public func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try unmerged?.mergePanes()
        try rows.commit(to: changelog, batch: batch)
    }

    public func save(to entries: any SortedEntries, _ batch: any ByteStoreBatch) throws {
        try rows.save(to: entries, batch)
    }

    public func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        try rows.restore(key, value, timestamp, at: try start(of: key), batch: batch)
        if index != nil, value != nil { _ = try addToIndex(key) }
    }

    public func finishRestoring(batch: (any ByteStoreBatch)?) throws {
        try rows.finishRestoring(batch: batch)
    }

    public func trim(to limit: Int) {
        rows.trim(to: limit)
    }
}

// What operators use.
extension WindowStore {
    /// Where the row of a key and window is or would be, found by one look-up for reading and writing; until the store's next call.
    @usableFromInline
    struct Place {
        /// `nil`: the window is too old to be kept.
        @usableFromInline let overlay: Overlay<Value>?
        @usableFromInline let slot: Int

        @inlinable
        init(overlay: Overlay<Value>?, slot: Int) {
            self.overlay = overlay
            self.slot = slot
        }

        @inlinable var row: Row<Value>? {
            guard let overlay, case let row = overlay.row(slot), row.value != nil else { return nil }
            return row
        }
    }

    /// Writes the bytes of a key, to be followed by calls of `place(atStart:keyLength:)` for its windows.
    @inlinable
    func write(_ key: Key) throws -> Int {
        try write(key, to: keyBuffer)
    }

    /// As `write(_:)`, of a key's bytes.
    @inlinable
    func write(keyBytes: UnsafeRawBufferPointer) -> Int {
        keyBuffer.removeAll()
        keyBuffer.append(keyBytes)
        return keyBuffer.count
    }

    /// The place of a row of the key that was written last. The store's time rises to `start`.
    @inlinable
    func place(atStart start: Int64, keyLength: Int) throws -> Place {
        try place(atStart: start, keyLength: keyLength, in: keyBuffer)
    }

    /// Writes to the place that was found last.
    @inlinable
    func write(_ value: Value?, _ timestamp: Timestamp, to place: Place) throws {
        try write(value, timestamp, to: place, key: keyBuffer)
    }

    @inlinable
    func write(_ key: Key, to buffer: ByteBuffer) throws -> Int {
        buffer.removeAll()
        _ = try keySerde.write(key, to: buffer)
        return buffer.count
    }

    /// Lets time pass.
    @usableFromInline
    func observe(_ start: Int64) {
        rows.observe(start)
        index?.removeAll(before: rows.firstTimeKept)
    }

    @inlinable
    func place(atStart start: Int64, keyLength: Int, in buffer: ByteBuffer) throws -> Place {
        finishKey(buffer, keyLength, start)
        if start > rows.time {
            observe(start)
        }
        guard let overlay = rows.overlay(at: start) else { return Place(overlay: nil, slot: -1) }
        return Place(overlay: overlay, slot: try overlay.slot(of: buffer.bytes))
    }

    @inlinable
    func write(_ value: Value?, _ timestamp: Timestamp, to place: Place, key: ByteBuffer) throws {
        guard let overlay = place.overlay else {
            return try putLate(key.bytes, value, timestamp)
        }
        if index != nil, value != nil, overlay.row(place.slot).value == nil { _ = try addToIndex(key.bytes) }
        overlay.write(value, timestamp, slot: place.slot)
    }

    @usableFromInline
    func putLate(_ key: UnsafeRawBufferPointer, _ value: Value?, _ timestamp: Timestamp) throws {
        task.drop(.expired, at: name)
        try rows.putLate(key, value, timestamp)
    }

    @usableFromInline
    func addToIndex(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        index?.add(try start(of: bytes), UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.suffixLength)))
        return true
    }

    func row(_ key: Key, _ start: Int64) throws -> Row<Value>? {
        try unmerged?.mergePanes()
        guard let overlay = rows.existingOverlay(at: start) else { return nil }
        finishKey(lookupBuffer, try write(key, to: lookupBuffer), start)
        return try overlay.get(lookupBuffer.bytes)
    }

    /// The row of a key given as its bytes.
    func row(keyBytes: UnsafeRawBufferPointer, _ start: Int64) throws -> Row<Value>? {
        guard let overlay = rows.existingOverlay(at: start) else { return nil }
        lookupBuffer.removeAll()
        lookupBuffer.append(keyBytes)
        finishKey(lookupBuffer, keyBytes.count, start)
        return try overlay.get(lookupBuffer.bytes)
    }

    /// Calls `body` for each row of a key whose window starts in `starts`, by start, until it returns `false`. It may change the store.
    func forEachRow(
        _ key: Key, in starts: ClosedRange<Int64>, reversed: Bool = false, _ body: (Int64, Row<Value>) throws -> Bool
    ) throws {
        try unmerged?.mergePanes()
        let lower = max(starts.lowerBound, rows.firstTimeKept)
        guard lower <= starts.upperBound else { return }
        let length = try write(key, to: lookupBuffer)
        finishKey(lookupBuffer, length, lower)
        let from = Array(lookupBuffer.bytes)
        finishKey(lookupBuffer, length, starts.upperBound)
        // The first key behind the last one.
        lookupBuffer.append(0)
        let to = Array(lookupBuffer.bytes)
        try from.withUnsafeBytes { from in
            try to.withUnsafeBytes { to in
                var goesOn = true
                try rows.forEachSegment(from: lower, to: starts.upperBound, reversed: reversed) { overlay in
                    try overlay.forEach(from: from, to: to, reversed: reversed) { bytes, row in
                        // Longer keys that begin with this one may lie in between.
                        guard bytes.count == length + Self.suffixLength else { return true }
                        goesOn = try body(bytes.loadBigEndian(at: length), row)
                        return goesOn
                    }
                    return goesOn
                }
            }
        }
    }

    /// Calls `body` for each row whose window starts in `starts`, in the order of `fetchAll`, until it returns `false`.
    package func forEachRow(in starts: ClosedRange<Int64>, _ body: (Windowed<Key>, Row<Value>) throws -> Bool) throws {
        try unmerged?.mergePanes()
        let starts = max(starts.lowerBound, rows.firstTimeKept)...max(starts.upperBound, rows.firstTimeKept)
        try forEachKey(in: starts) { bytes, row in
            let start = try self.start(of: bytes)
            let key = try keySerde.read(UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.suffixLength)))
            return try body(Windowed(key, window(from: start)), row)
        }
    }

    /// Calls `body` for the bytes of each key, with its window, that starts in `starts`.
    func forEachKey(in starts: ClosedRange<Int64>, _ body: (UnsafeRawBufferPointer, Row<Value>) throws -> Bool) throws {
        var goesOn = true
        try rows.forEachSegment(from: starts.lowerBound, to: starts.upperBound) { overlay in
            try overlay.forEach(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil) { bytes, row in
                guard starts.contains(try start(of: bytes)) else { return true }
                goesOn = try body(bytes, row)
                return goesOn
            }
            return goesOn
        }
    }

    func window(from start: Int64) -> Window {
        let start = Timestamp(milliseconds: start)
        return Window(start: start, end: start.advanced(byMilliseconds: windowSize))
    }

    func key(of bytes: UnsafeRawBufferPointer) throws -> Key {
        try keySerde.read(bytes)
    }

    @usableFromInline
    func finishKey(_ buffer: ByteBuffer, _ length: Int, _ start: Int64) {
        buffer.truncate(to: length)
        buffer.append(bigEndian: start)
        buffer.append(bigEndian: Int32(0))
    }

    func start(of key: UnsafeRawBufferPointer) throws -> Int64 {
        guard key.count >= Self.suffixLength, case let start = key.loadBigEndian(at: key.count - Self.suffixLength, as: Int64.self),
            start >= 0
        else {
            throw MillraceError(
                .corruption, "A key of window store \(name) is \(key.count) bytes long and does not end in a window's start.")
        }
        return start
    }
}
