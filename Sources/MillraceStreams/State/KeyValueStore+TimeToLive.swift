import MillraceCore

// What a time to live adds to a store.
extension KeyValueStore {
    /// Removes rows that are over, from now on, as stream time goes on.
    @usableFromInline
    func startSweeping() {
        // Every time it moves: what is removed when then follows from stream time alone, also after a restart.
        task.schedule(
            Punctuation(.stream, interval: 1, next: 0, node: name) { [weak self] now in try self?.sweep(now: now.milliseconds) })
    }

    /// A row without regard to the time to live.
    @usableFromInline
    func physicalRow(_ key: Key) throws -> Row<Value>? { try overlay.get(bytes(of: key)) }

    /// A row as it may be seen.
    @usableFromInline
    func alive(_ row: Row<Value>?) -> Row<Value>? {
        guard let row, let lifetime, lifetime.isOver(row.timestamp) else { return row }
        return nil
    }

    /// Sets or removes a row, with a mark for when it goes.
    @usableFromInline
    func putMortal(_ key: UnsafeRawBufferPointer, _ value: Value?, _ timestamp: Timestamp) throws {
        guard let lifetime else { return overlay.put(key, value, timestamp) }
        if value != nil {
            let slot = overlay.keys.find(key)
            let old = slot >= 0 && overlay.row(slot).value != nil ? overlay.row(slot).timestamp : nil
            lifetime.note(key, timestamp, old: old)
        }
        overlay.put(key, value, timestamp)
    }

    private func sweep(now: Int64) throws {
        guard let lifetime else { return }
        try lifetime.sweep(now: now) { key in
            guard let row = try overlay.get(key) else { return nil }
            guard lifetime.end(of: row.timestamp) <= now else { return row.timestamp }
            let end = Timestamp(milliseconds: lifetime.end(of: row.timestamp))
            overlay.put(key, nil, end)
            if let onExpiry { try onExpiry(keySerde.read(key), row, end) }
            return nil
        }
    }
}

extension StoreSite {
    /// The place of the rows: that of the store, or a part of it where there is something else beside them.
    @usableFromInline
    func rows(isMortal: Bool) -> Backing? {
        isMortal ? backing.map { Backing(store: $0.store, prefix: $0.prefix + [0]) } : backing
    }

    @usableFromInline
    func timeToLive(_ milliseconds: Int64?) throws -> TimeToLive? {
        guard let milliseconds else { return nil }
        guard milliseconds >= 1 else {
            throw MillraceError(
                .configuration, "Store \(name) has a time to live of \(milliseconds) ms. Let rows live for a millisecond at least.")
        }
        return TimeToLive(milliseconds, backing: backing.map { Backing(store: $0.store, prefix: $0.prefix + [1]) }, task: task)
    }
}
