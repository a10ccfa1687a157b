import MillraceCore

// What a time to live adds to a store.
extension KeyValueStore {
    /// Removes rows that are over, from now on, as stream time goes on.
    @inlinable
    func startSweeping() {
        task.wheneverStreamTimeMoves(name) { [weak self] now in try self?.sweep(now: now.milliseconds) }
    }

    /// A row as it may be seen.
    @inlinable
    func alive(_ row: Row<Value>?) -> Row<Value>? {
        guard let row, let lifetime, lifetime.isOver(row.timestamp) else { return row }
        return nil
    }

    /// Sets or removes a row, with a mark for when it goes.
    @inlinable
    func putMortal(_ key: UnsafeRawBufferPointer, _ value: Value?, _ timestamp: Timestamp) throws {
        let slot = overlay.keys.find(key)
        if slot >= 0 { return writeMortal(value, timestamp, slot: slot) }
        if value != nil { lifetime?.note(key, timestamp, old: .none) }
        overlay.put(key, value, timestamp)
    }

    /// Sets or removes the row of a slot, with a mark for when it goes.
    @inlinable
    func writeMortal(_ value: Value?, _ timestamp: Timestamp, slot: Int) {
        if value != nil {
            lifetime?.note(
                overlay.keys.key(of: slot), timestamp, old: overlay.rows[slot].value == nil ? .none : overlay.rows[slot].timestamp)
        }
        overlay.write(value, timestamp, slot: slot)
    }

    @inlinable
    func sweep(now: Int64) throws {
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

extension TaskContext {
    /// Calls `body` every time stream time moves: what happens when then follows from stream time alone, also after a restart.
    @usableFromInline
    func wheneverStreamTimeMoves(_ node: String, _ body: @escaping (Timestamp) throws -> Void) {
        schedule(Punctuation(.stream, interval: 1, next: 0, node: node, body))
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
        return try TimeToLive(milliseconds, backing: backing.map { Backing(store: $0.store, prefix: $0.prefix + [1]) }, task: task)
    }
}
