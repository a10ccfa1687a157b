import MillraceCore
import MillraceFormats

/// Changes of one store's rows, gathered during a restore and brought into the order of their keys, in which a database takes them many times faster than as they come.
///
/// To stores it is a batch like any other. The last change of a key wins, as in the changelog; a range that is deleted takes the changes of its keys before it along.
final class SortedRows: ByteStoreBatch {
    private struct DeletedRange {
        var lower: [UInt8]
        var upper: [UInt8]
        /// How many changes came before.
        var place: Int
    }

    private var rows = RowBlocks()
    private var ranges: [DeletedRange] = []

    private let fewest: Int

    /// - Parameter fewest: Fewer changes than these are not worth files of their own, and go to the database as they came.
    init(fewest: Int = 4096) {
        self.fewest = fewest
    }

    deinit {
        rows.removeAll()
    }

    var count: Int { rows.count + ranges.count }

    /// The memory taken, with that of the sorting.
    var byteCount: Int { rows.byteCount + rows.count * 2 * MemoryLayout<RowOrder.Element>.stride }

    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let place = rows.add(keyLength: key.count, valueLength: value.count)
        Self.copy(key, to: place)
        Self.copy(value, to: place + key.count)
    }

    func delete(_ key: UnsafeRawBufferPointer) {
        Self.copy(key, to: rows.add(keyLength: key.count, valueLength: -1))
    }

    func deleteRange(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) {
        ranges.append(DeletedRange(lower: Array(lower), upper: Array(upper), place: rows.count))
    }

    /// Takes a record of a changelog as the row that it is on disk: its key behind the store's prefix, and its time before the value.
    @inline(__always)
    func take(_ record: RawRecord, key: UnsafeRawBufferPointer, prefix: UnsafeRawBufferPointer) {
        let keyLength = prefix.count + key.count
        let valueLength = record.value.map { $0.count + 8 } ?? -1
        let place = rows.add(keyLength: keyLength, valueLength: valueLength)
        Self.copy(prefix, to: place)
        Self.copy(key, to: place + prefix.count)
        guard let value = record.value else { return }
        (place + keyLength).storeBytes(of: record.timestamp.milliseconds.bigEndian, as: Int64.self)
        Self.copy(value, to: place + keyLength + 8)
    }

    @inline(__always)
    private static func copy(_ bytes: UnsafeRawBufferPointer, to place: UnsafeMutableRawPointer) {
        if let base = bytes.baseAddress { place.copyMemory(from: base, byteCount: bytes.count) }
    }

    /// Writes everything and the position that it leads to, and empties itself. A crash leaves all of it, nothing of it, or rows without a position, which are not used.
    ///
    /// - Parameter position: The row of the position, whose key comes before those of all rows.
    func write(to database: any ByteStore, position: (key: [UInt8], value: [UInt8])) throws {
        if rows.count < fewest { try writeInTurn(to: database, position) } else { try writeSorted(to: database, position) }
        removeAll()
    }

    func removeAll() {
        rows.removeAll()
        ranges.removeAll()
    }

    private func writeInTurn(to database: any ByteStore, _ position: (key: [UInt8], value: [UInt8])) throws {
        let batch = database.makeBatch()
        var nextRange = 0
        func deleteRanges(before place: Int) {
            while nextRange < ranges.count, ranges[nextRange].place <= place {
                delete(ranges[nextRange], in: batch)
                nextRange += 1
            }
        }
        rows.forEach { row in
            deleteRanges(before: RowBlocks.place(row))
            if let value = RowBlocks.value(row) { batch.put(RowBlocks.key(row), value) } else { batch.delete(RowBlocks.key(row)) }
        }
        deleteRanges(before: .max)
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
        let order = RowOrder(rows)
        let hasRanges = !ranges.isEmpty
        try database.load { entries in
            try position.key.withUnsafeBytes { key in try position.value.withUnsafeBytes { try entries.put(key, $0) } }
            try order.forEachLast { row in
                let key = RowBlocks.key(row)
                if hasRanges, isDeleted(key, at: RowBlocks.place(row)) { return }
                if let value = RowBlocks.value(row) { try entries.put(key, value) } else { try entries.delete(key) }
            }
        }
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
