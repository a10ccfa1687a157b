import CRocksDB
import MillraceCore

extension RocksDBStore {
    /// What RocksDB says of itself; all zero once the store is closed.
    public var usage: ByteStoreUsage {
        ByteStoreUsage(
            cacheBytes: number("rocksdb.block-cache-usage"), writeBufferBytes: number("rocksdb.cur-size-all-mem-tables"),
            fileBytes: number("rocksdb.estimate-table-readers-mem"), diskBytes: number("rocksdb.total-sst-files-size"),
            rows: number("rocksdb.estimate-num-keys"))
    }

    private func number(_ property: String) -> UInt64 {
        var value: UInt64 = 0
        do {
            let result = try database.use { rocksdb_property_int($0, property, &value) }
            return result == 0 ? value : 0
        } catch {
            // The store is closed.
            return 0
        }
    }
}
