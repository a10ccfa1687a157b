import MillraceCore

/// Changes of one store's rows, gathered during a restore and brought into the order of their keys, in which a database takes them many times faster than as they come.
///
/// To stores it is a batch like any other. The last change of a key wins, as in the changelog; a range that is deleted takes the changes of its keys before it along.
final class SortedRows: ByteStoreBatch {
    private struct Change {
        var start: Int
        var keyLength: Int32
        /// -1: the key is removed.
        var valueLength: Int32
    }

    private struct DeletedRange {
        var lower: [UInt8]
        var upper: [UInt8]
        /// How many changes came before.
        var place: Int
    }

    private let bytes = ByteBuffer(capacity: 1 << 12)
    private var changes: ContiguousArray<Change> = []
    private var ranges: [DeletedRange] = []

    private let fewest: Int

    /// - Parameter fewest: Fewer changes than these are not worth files of their own, and go to the database as they came.
    init(fewest: Int = 4096) {
        self.fewest = fewest
    }

    var count: Int { changes.count + ranges.count }

    /// The memory taken, with that of the sorting.
    var byteCount: Int { bytes.count + changes.count * (MemoryLayout<Change>.stride + 2 * MemoryLayout<RowOrder.Element>.stride) }

    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        changes.append(Change(start: bytes.count, keyLength: Int32(key.count), valueLength: Int32(value.count)))
        bytes.append(key)
        bytes.append(value)
    }

    func delete(_ key: UnsafeRawBufferPointer) {
        changes.append(Change(start: bytes.count, keyLength: Int32(key.count), valueLength: -1))
        bytes.append(key)
    }

    func deleteRange(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) {
        ranges.append(DeletedRange(lower: Array(lower), upper: Array(upper), place: changes.count))
    }

    /// Writes everything and the position that it leads to, and empties itself. A crash leaves all of it, nothing of it, or rows without a position, which are not used.
    ///
    /// - Parameter position: The row of the position, whose key comes before those of all rows.
    func write(to database: any ByteStore, position: (key: [UInt8], value: [UInt8])) throws {
        if changes.count < fewest { try writeInTurn(to: database, position) } else { try writeSorted(to: database, position) }
        removeAll()
    }

    func removeAll() {
        bytes.removeAll()
        changes.removeAll(keepingCapacity: true)
        ranges.removeAll()
    }

    private func writeInTurn(to database: any ByteStore, _ position: (key: [UInt8], value: [UInt8])) throws {
        let batch = database.makeBatch()
        var nextRange = 0
        for place in 0...changes.count {
            while nextRange < ranges.count, ranges[nextRange].place == place {
                delete(ranges[nextRange], in: batch)
                nextRange += 1
            }
            guard place < changes.count else { break }
            if let value = value(place) { batch.put(key(place), value) } else { batch.delete(key(place)) }
        }
        position.key.withUnsafeBytes { key in position.value.withUnsafeBytes { batch.put(key, $0) } }
        try database.write(batch)
    }

    private func writeSorted(to database: any ByteStore, _ position: (key: [UInt8], value: [UInt8])) throws {
        if !ranges.isEmpty {
            // Ranges cannot go with the rows in one write. Until those have followed the store has no position, and would be rebuilt.
            let batch = database.makeBatch()
            for range in ranges { delete(range, in: batch) }
            position.key.withUnsafeBytes { batch.delete($0) }
            try database.write(batch)
        }
        let order = RowOrder(count: changes.count) { [self] in key($0) }
        try database.load { entries in
            try position.key.withUnsafeBytes { key in try position.value.withUnsafeBytes { try entries.put(key, $0) } }
            try order.forEachLast { place in
                let key = key(place)
                if !ranges.isEmpty, isDeleted(key, at: place) { return }
                if let value = value(place) { try entries.put(key, value) } else { try entries.delete(key) }
            }
        }
    }

    private func key(_ place: Int) -> UnsafeRawBufferPointer {
        let change = changes[place]
        return UnsafeRawBufferPointer(rebasing: bytes.bytes[change.start..<change.start + Int(change.keyLength)])
    }

    private func value(_ place: Int) -> UnsafeRawBufferPointer? {
        let change = changes[place]
        guard change.valueLength >= 0 else { return nil }
        let start = change.start + Int(change.keyLength)
        return UnsafeRawBufferPointer(rebasing: bytes.bytes[start..<start + Int(change.valueLength)])
    }

    private func isDeleted(_ key: UnsafeRawBufferPointer, at place: Int) -> Bool {
        ranges.contains { range in
            range.place > place && !range.lower.withUnsafeBytes { KeyTable.precedes(key, $0) }
                && range.upper.withUnsafeBytes { KeyTable.precedes(key, $0) }
        }
    }

    private func delete(_ range: DeletedRange, in batch: any ByteStoreBatch) {
        range.lower.withUnsafeBytes { lower in range.upper.withUnsafeBytes { batch.deleteRange(from: lower, to: $0) } }
    }
}
