import MillraceCore

/// A store of one value for each key and session.
///
/// It forgets: a session is there as long as its end is later than the latest end that was put, minus the store's retention. A put of an older one changes nothing, though the
/// changelog gets it. Like every store it belongs to one task, and what is written counts from the task's next commit on.
///
/// Kafka: `SessionStore`.
public final class SessionStore<Key, Value>: StateStore {
    /// The name, which is part of the changelog's.
    public let name: String
    @usableFromInline let rows: SegmentedOverlay<Value>
    /// The times of the sessions that are in memory, beside each segment of `rows`.
    @exclusivity(unchecked) private var runs: ContiguousArray<SessionRuns> = []
    /// Sessions by their end, then in `indexOrder`; kept when results are sent as sessions close.
    let index: WindowIndex?
    @usableFromInline let indexOrder: IndexOrder?
    @usableFromInline let keySerde: Serde<Key>
    @usableFromInline let buffer = ByteBuffer()
    /// The key whose sessions are being looked through.
    @usableFromInline let lookupBuffer = ByteBuffer()
    private let indexBuffer = ByteBuffer()
    @usableFromInline let task: TaskContext
    /// The bytes behind the key: end and start.
    @inlinable static var suffixLength: Int { 16 }

    /// How sessions of one end are ordered, and how long they are found, where results are sent as sessions close: two things in which Kafka's stores differ.
    @usableFromInline
    enum IndexOrder: Sendable {
        /// By start and key, until their segment is dropped: the persistent store.
        case byStart
        /// By key and start, until they are forgotten: the store in memory.
        case byKey
    }

    @usableFromInline
    init(name: String, key: Serde<Key>, rows: SegmentedOverlay<Value>, index order: IndexOrder?, task: TaskContext) throws {
        self.name = name
        self.rows = rows
        self.task = task
        keySerde = key
        indexOrder = order
        index = order.map { _ in WindowIndex() }
        if index != nil { try forEachKey(from: firstTimeIndexed) { bytes, _ in try addToIndex(bytes) } }
    }

    /// The value of one session of `key`, `nil` when there is none or it was forgotten. Kafka: `fetchSession`.
    public func fetch(_ key: Key, _ session: Window) throws -> Value? {
        guard let overlay = rows.existingOverlay(at: session.end.milliseconds) else { return nil }
        return try overlay.get(bytes(of: key, session))?.value
    }

    /// All sessions of `key`, by their end. Kafka: `fetch(key)`.
    public func fetch(_ key: Key) throws -> [(session: Window, value: Value)] {
        try findSessions(key, endingFrom: 0, startingUntil: Timestamp(milliseconds: .max))
    }

    /// The sessions of `key` that end at `end` or later and start at `start` or earlier, by their end. Kafka: `findSessions`.
    public func findSessions(_ key: Key, endingFrom end: Timestamp, startingUntil start: Timestamp) throws -> [(
        session: Window, value: Value
    )] {
        var found: [(session: Window, value: Value)] = []
        try forEachSession(key, endingFrom: end.milliseconds) { session, value in
            if session.start <= start { found.append((session, value)) }
            return true
        }
        return found
    }

    /// All sessions with their values. Older rows come before much younger ones; in between they are ordered by key, end and start.
    public func all() throws -> [(key: Windowed<Key>, value: Value)] {
        var found: [(key: Windowed<Key>, value: Value)] = []
        try forEachKey(from: rows.firstTimeKept) { bytes, row in
            let (end, start) = try times(of: bytes)
            let key = try keySerde.read(UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.suffixLength)))
            let session = Window(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end))
            if let value = row.value { found.append((Windowed(key, session), value)) }
            return true
        }
        return found
    }

    /// Sets the value of a session of `key`, noted with the time of the record at hand; `nil` removes it.
    @inlinable
    public func put(_ key: Key, _ session: Window, _ value: Value?) throws {
        let end = session.end.milliseconds
        if end > rows.time { observe(end) }
        let bytes = try bytes(of: key, session)
        guard let overlay = rows.overlay(at: end, held: indexOrder == .byStart) else { return try putLate(bytes, value) }
        overlay.put(bytes, value, task.timestamp)
        try noteSession(bytes, isThere: value != nil)
    }

    /// Removes a session of `key`.
    @inlinable
    public func remove(_ key: Key, _ session: Window) throws {
        try put(key, session, nil)
    }

    public var byteCount: Int { rows.byteCount + (index?.byteCount ?? 0) + runs.reduce(0) { $0 + $1.byteCount } }
    /// Whether anything was written since the last commit.
    public var hasUncommittedRows: Bool { rows.hasUncommittedRows }
    public var canSaveLater: Bool { true }
    public var savesSorted: Bool { true }
    public var unsavedBytes: Int { rows.unsavedBytes }

    public func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try rows.commit(to: changelog, batch: batch)
    }

    public func save(to entries: any SortedEntries, _ batch: any ByteStoreBatch) throws {
        try rows.save(to: entries, batch)
    }

    public func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        let end = try times(of: key).end
        if end > rows.time { observe(end) }
        try rows.restore(key, value, timestamp, at: end, batch: batch)
        try noteSession(key, isThere: value != nil)
    }

    public func finishRestoring(batch: (any ByteStoreBatch)?) throws {
        try rows.finishRestoring(batch: batch)
    }

    public func trim(to limit: Int) {
        rows.trim(to: limit)
    }
}

// What operators use.
extension SessionStore {
    /// Calls `body` for each session of `key` that ends at `end` or later, by end and then start, until it returns `false`. `body` may not use the store.
    @inlinable
    func forEachSession(_ key: Key, endingFrom end: Int64, _ body: (Window, Value) throws -> Bool) throws {
        let from = max(end, rows.firstTimeKept)
        lookupBuffer.removeAll()
        _ = try keySerde.write(key, to: lookupBuffer)
        let length = lookupBuffer.count
        let first = from / rows.interval
        for segment in rows.segments where segment.id >= first {
            if segment.overlay.mayMissRows {
                guard try walk(segment.overlay, length, endingFrom: from, body) else { return }
                continue
            }
            lookupBuffer.truncate(to: length)
            guard let run = sessions(of: lookupBuffer.bytes, in: segment.id) else { continue }
            var place = run.firstIndex(fromThereOn: { $0.end >= from })
            while place < run.count {
                let session = run[place]
                place += 1
                lookupBuffer.truncate(to: length)
                lookupBuffer.append(bigEndian: session.end)
                lookupBuffer.append(bigEndian: session.start)
                guard let value = try segment.overlay.get(lookupBuffer.bytes)?.value else { continue }
                let window = Window(start: Timestamp(milliseconds: session.start), end: Timestamp(milliseconds: session.end))
                guard try body(window, value) else { return }
            }
        }
    }

    /// `forEachSession` where rows may lie on disk alone. The key is in `lookupBuffer`.
    ///
    /// - Returns: `false` when `body` did.
    @usableFromInline
    func walk(_ overlay: Overlay<Value>, _ length: Int, endingFrom end: Int64, _ body: (Window, Value) throws -> Bool) throws -> Bool {
        lookupBuffer.truncate(to: length)
        let key = Array(lookupBuffer.bytes)
        let lower = key + withUnsafeBytes(of: end.bigEndian) { Array($0) }
        // The first key behind all of this key's sessions.
        let upper = key + [0x80]
        var goesOn = true
        try lower.withUnsafeBytes { lower in
            try upper.withUnsafeBytes { upper in
                try overlay.forEach(from: lower, to: upper) { bytes, row in
                    // Longer keys that begin with this one may lie in between.
                    guard bytes.count == length + Self.suffixLength, let value = row.value else { return true }
                    let (end, start) = try times(of: bytes)
                    goesOn = try body(Window(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end)), value)
                    return goesOn
                }
            }
        }
        return goesOn
    }

    /// The sessions of a key in a segment, as far as they are in memory.
    @usableFromInline
    func sessions(of key: UnsafeRawBufferPointer, in segment: Int64) -> Run<SessionRuns.Session>? {
        for runs in runs where runs.segment == segment { return runs.sessions(of: key) }
        return nil
    }

    @usableFromInline
    func putLate(_ bytes: UnsafeRawBufferPointer, _ value: Value?) throws {
        task.drop(.expired, at: name)
        try rows.putLate(bytes, value, task.timestamp)
    }

    /// Lets time pass.
    @usableFromInline
    func observe(_ end: Int64) {
        rows.observe(end)
        let first = rows.firstTimeHeld / rows.interval
        runs.removeAll { $0.segment < first }
        index?.removeAll(before: firstTimeIndexed)
    }

    /// Keeps what is beside the rows up to a session that was put or removed.
    @usableFromInline
    func noteSession(_ bytes: UnsafeRawBufferPointer, isThere: Bool) throws {
        let (end, start) = try times(of: bytes)
        let key = UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.suffixLength))
        if end >= rows.firstTimeHeld {
            let runs = sessionRuns(at: end / rows.interval)
            if isThere { runs.insert(key, end: end, start: start) } else { runs.remove(key, end: end, start: start) }
        }
        if isThere { _ = try addToIndex(bytes) } else { try removeFromIndex(bytes) }
    }

    private func sessionRuns(at segment: Int64) -> SessionRuns {
        for runs in runs where runs.segment == segment { return runs }
        let new = SessionRuns(segment: segment)
        runs.append(new)
        return new
    }

    /// The session that an entry of the index stands for, with its value; `nil` when it was forgotten.
    func session(end: Int64, rest: UnsafeRawBufferPointer) throws -> (key: Windowed<Key>, value: Value)? {
        let startPlace = indexOrder == .byStart ? 0 : rest.count - 8
        let keyBytes = indexOrder == .byStart ? rest[8...] : rest[..<startPlace]
        let key = try keySerde.read(UnsafeRawBufferPointer(rebasing: keyBytes))
        let session = Window(start: Timestamp(milliseconds: rest.loadBigEndian(at: startPlace)), end: Timestamp(milliseconds: end))
        guard let overlay = rows.existingOverlay(at: end, held: indexOrder == .byStart) else { return nil }
        return try overlay.get(bytes(of: key, session))?.value.map { (Windowed(key, session), $0) }
    }

    private var firstTimeIndexed: Int64 { indexOrder == .byStart ? rows.firstTimeHeld : rows.firstTimeKept }

    private func forEachKey(from firstEnd: Int64, _ body: (UnsafeRawBufferPointer, Row<Value>) throws -> Bool) throws {
        for overlay in rows.segments.map(\.overlay) {
            try overlay.forEach(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil) { bytes, row in
                guard try times(of: bytes).end >= firstEnd else { return true }
                return try body(bytes, row)
            }
        }
    }

    /// Key, end and start, valid until the next call.
    @inlinable
    func bytes(of key: Key, _ session: Window) throws -> UnsafeRawBufferPointer {
        buffer.removeAll()
        _ = try keySerde.write(key, to: buffer)
        buffer.append(bigEndian: session.end.milliseconds)
        buffer.append(bigEndian: session.start.milliseconds)
        return buffer.bytes
    }

    func times(of key: UnsafeRawBufferPointer) throws -> (end: Int64, start: Int64) {
        guard key.count >= Self.suffixLength, case let end = key.loadBigEndian(at: key.count - 16, as: Int64.self), end >= 0 else {
            throw MillraceError(
                .corruption, "A key of session store \(name) is \(key.count) bytes long and does not end in a session's times.")
        }
        return (end, key.loadBigEndian(at: key.count - 8))
    }

    private func addToIndex(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        guard let index else { return true }
        let end = try indexEntry(of: bytes)
        index.add(end, indexBuffer.bytes)
        return true
    }

    private func removeFromIndex(_ bytes: UnsafeRawBufferPointer) throws {
        guard let index else { return }
        let end = try indexEntry(of: bytes)
        index.remove(end, indexBuffer.bytes)
    }

    /// Puts what the index keeps beside the end into its buffer.
    private func indexEntry(of bytes: UnsafeRawBufferPointer) throws -> Int64 {
        let (end, start) = try times(of: bytes)
        indexBuffer.removeAll()
        if indexOrder == .byStart { indexBuffer.append(bigEndian: start) }
        indexBuffer.append(UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.suffixLength)))
        if indexOrder == .byKey { indexBuffer.append(bigEndian: start) }
        return end
    }
}
