import CRocksDB
import MillraceCore

/// A RocksDB iterator between two bounds. It keeps the database open for as long as it lives.
final class RocksDBCursor: ByteStoreCursor {
    private enum Place {
        case unmoved, beforeFirst, entry, afterLast
    }

    private let database: RocksDBDatabase
    private let options = rocksdb_readoptions_create()
    private let iterator: OpaquePointer?
    /// Copies of both bounds, one after the other: RocksDB looks at them for as long as the iterator lives.
    private let bounds: UnsafeMutableRawBufferPointer
    private let lowerCount: Int
    private var place = Place.unmoved

    init(_ database: RocksDBDatabase, from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer?) throws {
        let handle = try database.enter()
        self.database = database
        lowerCount = lower.count
        bounds = .allocate(byteCount: max(lower.count + (upper?.count ?? 0), 1), alignment: 1)
        bounds.copyMemory(from: lower)
        let lowerBound = UnsafeRawBufferPointer(rebasing: bounds[..<lower.count])
        rocksdb_readoptions_set_iterate_lower_bound(options, lowerBound.characters, lowerBound.count)
        if let upper {
            UnsafeMutableRawBufferPointer(rebasing: bounds[lower.count...]).copyMemory(from: upper)
            let upperBound = UnsafeRawBufferPointer(rebasing: bounds[lower.count..<lower.count + upper.count])
            rocksdb_readoptions_set_iterate_upper_bound(options, upperBound.characters, upperBound.count)
        }
        iterator = rocksdb_create_iterator(handle, options)
    }

    deinit {
        rocksdb_iter_destroy(iterator)
        rocksdb_readoptions_destroy(options)
        bounds.deallocate()
        database.leave()
    }

    func next() throws -> Bool {
        switch place {
        case .unmoved, .beforeFirst: rocksdb_iter_seek_to_first(iterator)
        case .entry: rocksdb_iter_next(iterator)
        case .afterLast: return false
        }
        return try arrive(orElse: .afterLast)
    }

    func previous() throws -> Bool {
        switch place {
        case .unmoved, .afterLast: rocksdb_iter_seek_to_last(iterator)
        case .entry: rocksdb_iter_prev(iterator)
        case .beforeFirst: return false
        }
        return try arrive(orElse: .beforeFirst)
    }

    func seek(to key: UnsafeRawBufferPointer) throws -> Bool {
        rocksdb_iter_seek(iterator, key.characters, key.count)
        return try arrive(orElse: .afterLast)
    }

    var key: UnsafeRawBufferPointer {
        precondition(place == .entry, "a cursor has a key only after a move that returned true")
        var count = 0
        let start = rocksdb_iter_key(iterator, &count)
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    var value: UnsafeRawBufferPointer {
        precondition(place == .entry, "a cursor has a value only after a move that returned true")
        var count = 0
        let start = rocksdb_iter_value(iterator, &count)
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    private func arrive(orElse end: Place) throws -> Bool {
        guard rocksdb_iter_valid(iterator) == 0 else {
            place = .entry
            return true
        }
        place = end
        try database.explaining("read on") { error in rocksdb_iter_get_error(iterator, &error) }
        return false
    }
}
