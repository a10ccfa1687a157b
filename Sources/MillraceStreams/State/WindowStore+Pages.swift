import MillraceCore

/// What is asked of windowed rows beyond their positions: windows by their starts, sessions by their ends.
struct TimedRange: Sendable {
    var times: ClosedRange<Int64>
    /// The bytes of the first and the last key; `nil`: no bound.
    var firstKey: [UInt8]?
    var lastKey: [UInt8]?

    func contains(key: UnsafeRawBufferPointer) -> Bool {
        if let firstKey, key.lexicographicallyPrecedes(firstKey) { return false }
        if let lastKey, lastKey.lexicographicallyPrecedes(key) { return false }
        return true
    }
}

extension WindowStore where Key: Sendable, Value: Sendable {
    /// Rows for a query, in the order of `fetchAll`.
    func page(_ request: PageRequest, _ range: TimedRange) throws -> StorePage<StoredRow<Windowed<Key>, Value>> {
        var page = StorePage<StoredRow<Windowed<Key>, Value>>()
        var visits = 0
        let first = rows.firstTimeKept
        try rows.forEachRow(in: request, from: range.times.lowerBound, to: range.times.upperBound) { segment, bytes, row in
            let start = try start(of: bytes)
            let keyBytes = UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.suffixLength))
            var found: StoredRow<Windowed<Key>, Value>?
            if start >= first, range.times.contains(start), range.contains(key: keyBytes), let value = row.value {
                found = StoredRow(key: try windowed(bytes), value: value, timestamp: row.timestamp)
            }
            return page.take(rows.position(segment, bytes), found, request, &visits)
        }
        return page
    }

    /// The key and window of a row's key.
    func windowed(_ bytes: UnsafeRawBufferPointer) throws -> Windowed<Key> {
        Windowed(
            try key(of: UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.suffixLength))), window(from: try start(of: bytes)))
    }

    /// The windows of one key that start in a range, by start.
    func fetchRows(
        _ key: Key, in starts: ClosedRange<Int64>, reversed: Bool, limit: Int
    ) throws -> [StoredRow<Windowed<Key>, Value>] {
        var found: [StoredRow<Windowed<Key>, Value>] = []
        guard limit > 0 else { return found }
        try forEachRow(key, in: starts, reversed: reversed) { start, row in
            if let value = row.value {
                found.append(StoredRow(key: Windowed(key, window(from: start)), value: value, timestamp: row.timestamp))
            }
            return found.count < limit
        }
        return found
    }

    static func reader(_ range: TimedRange) -> PageReader<StoredRow<Windowed<Key>, Value>> {
        { store, request in try store.typed(WindowStore.self).page(request, range) }
    }
}

extension SessionStore where Key: Sendable, Value: Sendable {
    /// Rows for a query, in the order of `all`.
    func page(_ request: PageRequest, _ range: TimedRange) throws -> StorePage<StoredRow<Windowed<Key>, Value>> {
        var page = StorePage<StoredRow<Windowed<Key>, Value>>()
        var visits = 0
        let first = rows.firstTimeKept
        try rows.forEachRow(in: request, from: range.times.lowerBound, to: range.times.upperBound) { segment, bytes, row in
            let end = try times(of: bytes).end
            let keyBytes = UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.suffixLength))
            var found: StoredRow<Windowed<Key>, Value>?
            if end >= first, range.times.contains(end), range.contains(key: keyBytes), let value = row.value {
                found = StoredRow(key: try windowed(bytes), value: value, timestamp: row.timestamp)
            }
            return page.take(rows.position(segment, bytes), found, request, &visits)
        }
        return page
    }

    /// The key and session of a row's key.
    func windowed(_ bytes: UnsafeRawBufferPointer) throws -> Windowed<Key> {
        let (end, start) = try times(of: bytes)
        return Windowed(
            try keySerde.read(UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.suffixLength))),
            Window(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end)))
    }

    static func reader(_ range: TimedRange) -> PageReader<StoredRow<Windowed<Key>, Value>> {
        { store, request in try store.typed(SessionStore.self).page(request, range) }
    }
}
