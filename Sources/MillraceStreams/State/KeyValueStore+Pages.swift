import MillraceCore

extension KeyValueStore where Key: Sendable, Value: Sendable {
    /// Rows for a query, with their keys' bytes for positions.
    func page(_ request: PageRequest) throws -> StorePage<StoredRow<Key, Value>> {
        var page = StorePage<StoredRow<Key, Value>>()
        var visits = 0
        try overlay.forEachRow(in: request) { bytes, row in
            let found = try alive(row)?.value.map { StoredRow(key: try keySerde.read(bytes), value: $0, timestamp: row.timestamp) }
            return page.take(Array(bytes), found, request, &visits)
        }
        return page
    }
}

extension Overlay {
    /// `forEach` in the bounds of a request, whose positions are keys.
    func forEachRow(in request: PageRequest, _ body: (UnsafeRawBufferPointer, Row<Value>) throws -> Bool) throws {
        try request.lower.withUnsafeBytes { lower in
            guard let upper = request.upper else { return try forEach(from: lower, to: nil, reversed: request.reversed, body) }
            guard request.lower.lexicographicallyPrecedes(upper) else { return }
            try upper.withUnsafeBytes { try forEach(from: lower, to: $0, reversed: request.reversed, body) }
        }
    }

    /// Roughly how many rows have a value: exact where all rows are in memory, else by the size on disk of rows as long as the first ones there.
    func approximateCount() throws -> Int {
        var inMemory = 0
        var notOnDisk = 0
        for slot in 0..<keys.slotLimit where keys.isInUse(slot) && rows[slot].value != nil {
            inMemory += 1
            if !rows[slot].mayBeOnDisk { notOnDisk += 1 }
        }
        guard let backing, mayMissRows else { return inMemory }
        let end = BackingCursor.successor(of: backing.prefix) ?? [255, 255, 255, 255, 255]
        let bytes = backing.prefix.withUnsafeBytes { lower in end.withUnsafeBytes { backing.store.approximateSize(from: lower, to: $0) } }
        let cursor = try BackingCursor(backing, from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil, reversed: false)
        var (sampled, sampledBytes, onDiskOnly) = (0, 0, 0)
        while sampled < 1000, let key = cursor.key {
            sampled += 1
            // Of the others, what is in memory counts: it may have been removed there.
            if keys.find(key) < 0 { onDiskOnly += 1 }
            sampledBytes += key.count + backing.prefix.count + cursor.value.count
            try cursor.advance()
        }
        // Few enough to have been counted.
        if cursor.key == nil { return inMemory + onDiskOnly }
        return max(inMemory + onDiskOnly, Int(bytes) * sampled / max(1, sampledBytes) + notOnDisk)
    }
}
