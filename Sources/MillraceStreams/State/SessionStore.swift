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
    let rows: SegmentedOverlay<Value>
    /// Sessions by their end, then in `indexOrder`; kept when results are sent as sessions close.
    let index: WindowIndex?
    private let indexOrder: IndexOrder?
    let keySerde: Serde<Key>
    private let buffer = ByteBuffer()
    private let indexBuffer = ByteBuffer()
    private let task: TaskContext
    /// The bytes behind the key: end and start.
    static var suffixLength: Int { 16 }

    /// How sessions of one end are ordered, and how long they are found, where results are sent as sessions close: two things in which Kafka's stores differ.
    enum IndexOrder: Sendable {
        /// By start and key, until their segment is dropped: the persistent store.
        case byStart
        /// By key and start, until they are forgotten: the store in memory.
        case byKey
    }

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
    public func put(_ key: Key, _ session: Window, _ value: Value?) throws {
        let end = session.end.milliseconds
        if end > rows.time {
            rows.observe(end)
            index?.removeAll(before: firstTimeIndexed)
        }
        let bytes = try bytes(of: key, session)
        guard let overlay = rows.overlay(at: end, held: indexOrder == .byStart) else {
            task.drop(.expired, at: name)
            return try rows.putLate(bytes, value, task.timestamp)
        }
        overlay.put(bytes, value, task.timestamp)
        if value == nil { try removeFromIndex(bytes) } else { _ = try addToIndex(bytes) }
    }

    /// Removes a session of `key`.
    public func remove(_ key: Key, _ session: Window) throws {
        try put(key, session, nil)
    }

    public var byteCount: Int { rows.byteCount + (index?.byteCount ?? 0) }
    /// Whether anything was written since the last commit.
    public var hasUncommittedRows: Bool { rows.hasUncommittedRows }
    public var canSaveLater: Bool { true }

    public func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try rows.commit(to: changelog, batch: batch)
    }

    public func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        try rows.restore(key, value, timestamp, at: try times(of: key).end, batch: batch)
        if value == nil { try removeFromIndex(key) } else { _ = try addToIndex(key) }
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
    /// Calls `body` for each session of `key` that ends at `end` or later, by end and then start, until it returns `false`. It may change the store.
    func forEachSession(_ key: Key, endingFrom end: Int64, _ body: (Window, Value) throws -> Bool) throws {
        let from = max(end, rows.firstTimeKept)
        let lower = Array(try bytes(of: key, Window(start: 0, end: Timestamp(milliseconds: from))))
        let length = lower.count - Self.suffixLength
        // The first key behind all of this key's sessions.
        let upper = Array(lower[..<length]) + [UInt8](repeating: 0x80, count: 1)
        try lower.withUnsafeBytes { lower in
            try upper.withUnsafeBytes { upper in
                var goesOn = true
                try rows.forEachSegment(from: from, to: .max) { overlay in
                    try overlay.forEach(from: lower, to: upper) { bytes, row in
                        // Longer keys that begin with this one may lie in between.
                        guard bytes.count == length + Self.suffixLength, let value = row.value else { return true }
                        let (end, start) = try times(of: bytes)
                        goesOn = try body(Window(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end)), value)
                        return goesOn
                    }
                    return goesOn
                }
            }
        }
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
    private func bytes(of key: Key, _ session: Window) throws -> UnsafeRawBufferPointer {
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
