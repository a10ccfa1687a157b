/// What a byte store takes of memory and disk, as far as it can tell; for metrics. All in bytes.
public struct ByteStoreUsage: Sendable, Equatable {
    /// Blocks of files that are kept in memory. RocksDB: `block-cache-usage`.
    public var cacheBytes: UInt64
    /// Writes that are not on disk yet. RocksDB: `cur-size-all-mem-tables`.
    public var writeBufferBytes: UInt64
    /// What open files take in memory beside the cache. RocksDB: `estimate-table-readers-mem`.
    public var fileBytes: UInt64
    /// All files. RocksDB: `total-sst-files-size`.
    public var diskBytes: UInt64
    /// How many rows there are, roughly. RocksDB: `estimate-num-keys`.
    public var rows: UInt64

    /// A store that takes nothing, unless told otherwise.
    public init(cacheBytes: UInt64 = 0, writeBufferBytes: UInt64 = 0, fileBytes: UInt64 = 0, diskBytes: UInt64 = 0, rows: UInt64 = 0) {
        self.cacheBytes = cacheBytes
        self.writeBufferBytes = writeBufferBytes
        self.fileBytes = fileBytes
        self.diskBytes = diskBytes
        self.rows = rows
    }
}

extension ByteStore {
    /// Stores that cannot tell say that they take nothing.
    public var usage: ByteStoreUsage { ByteStoreUsage() }
}
