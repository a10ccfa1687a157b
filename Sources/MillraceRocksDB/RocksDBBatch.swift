import CRocksDB
import MillraceCore

/// Writes gathered in RocksDB's own format, so that applying them copies nothing in Swift.
final class RocksDBBatch: ByteStoreBatch {
    let handle = rocksdb_writebatch_create()
    private(set) var count = 0

    deinit {
        rocksdb_writebatch_destroy(handle)
    }

    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        rocksdb_writebatch_put(handle, key.characters, key.count, value.characters, value.count)
        count += 1
    }

    func delete(_ key: UnsafeRawBufferPointer) {
        rocksdb_writebatch_delete(handle, key.characters, key.count)
        count += 1
    }

    func deleteRange(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) {
        count += 1
        // RocksDB takes a range that runs backwards for an error, at the time of the write.
        guard lower.lexicographicallyPrecedes(upper) else { return }
        rocksdb_writebatch_delete_range(handle, lower.characters, lower.count, upper.characters, upper.count)
    }

    func removeAll() {
        rocksdb_writebatch_clear(handle)
        count = 0
    }
}
