import CRocksDB
import MillraceCore

/// A byte store on disk: one RocksDB database in one directory, for a whole app.
///
///     let store = try RocksDBStore.open(at: "state/word-count", memoryBudget: 256 << 20)
///
/// There is no write-ahead log, because the changelogs are one: what was written since the last `flush` may be lost in a crash, always from the newest batch backwards.
/// Memory stays near the budget however many stores share the database: one block cache, which holds index and filter blocks too, and one bound for all write buffers.
/// Every method may be called from any thread. A directory belongs to one open store at a time, which RocksDB's lock file sees to.
///
/// Kafka: `RocksDBStore`, of which Kafka Streams opens one per store, partition and segment.
public final class RocksDBStore: ByteStore {
    let database: RocksDBDatabase

    /// The directory that the store lives in.
    public var path: String { database.path }

    /// Opens the store in the directory `path`, which is created (for its owner only) when it is missing.
    ///
    /// - Parameter memoryBudget: How many bytes of memory to aim for: two thirds cache blocks, one third gathers writes. At least 8 MiB are used.
    /// - Throws: `MillraceError` of kind `corruption` when the files are damaged; `fenced` when another process, or another store of this one, has the directory open;
    ///   `store` for anything else, such as a directory that may not be written.
    public static func open(at path: String, memoryBudget: Int) throws -> RocksDBStore {
        try StateDirectory.prepare(path)
        let store = RocksDBStore(try RocksDBDatabase(path: path, memoryBudget: memoryBudget))
        try StateDirectory.removeLeftovers(in: path)
        return store
    }

    /// Removes the files of the store in the directory `path`, damaged or not, which nobody may have open.
    ///
    /// - Throws: `MillraceError` of kind `store` when the directory cannot be read or a file not be removed.
    public static func remove(at path: String) throws {
        try StateDirectory.removeAll(in: path)
    }

    private init(_ database: RocksDBDatabase) {
        self.database = database
    }

    deinit {
        database.close()
    }

    /// Makes everything written durable and gives the directory free; afterwards every call throws.
    ///
    /// Cursors that are still alive stay usable, and hold the directory until the last of them is gone. Closing twice does nothing.
    public func close() throws {
        guard !database.isClosed else { return }
        try flush()
        database.close()
    }

    /// Looks up `key` without an intermediate copy: the value goes from RocksDB's cache straight into `buffer`.
    public func get(_ key: UnsafeRawBufferPointer, into buffer: ByteBuffer) throws -> Bool {
        try database.use { handle in
            let found = try database.explaining("read a key") { error in
                rocksdb_get_pinned(handle, database.readOptions, key.characters, key.count, &error)
            }
            guard let found else { return false }
            defer { rocksdb_pinnableslice_destroy(found) }
            var count = 0
            let start = rocksdb_pinnableslice_value(found, &count)
            buffer.append(UnsafeRawBufferPointer(start: start, count: count))
            return true
        }
    }

    public func cursor(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer?) throws -> any ByteStoreCursor {
        try RocksDBCursor(database, from: lower, to: upper)
    }

    public func makeBatch() -> any ByteStoreBatch {
        RocksDBBatch()
    }

    /// - Throws: `MillraceError` of kind `store` when the batch was made by a store of another kind, or the disk refuses; the batch is then left as it was.
    public func write(_ batch: any ByteStoreBatch) throws {
        guard let batch = batch as? RocksDBBatch else {
            throw MillraceError(.store, "a batch of \(type(of: batch)) cannot be written to RocksDB; make it with the store's makeBatch()")
        }
        try database.use { handle in
            try database.explaining("write \(batch.count) changes") { error in
                rocksdb_write(handle, database.writeOptions, batch.handle, &error)
            }
        }
        batch.removeAll()
    }

    /// Writes the memory table to disk, synced, and returns when it is there.
    public func flush() throws {
        try database.use { handle in
            try database.explaining("flush") { error in rocksdb_flush(handle, database.flushOptions, &error) }
        }
    }

    /// The size on disk, compressed. What has not been flushed does not count; a closed store is empty.
    public func approximateSize(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) -> UInt64 {
        let size = try? database.use { handle in
            var size: UInt64 = 0
            var (lowerStart, lowerCount) = (Optional(lower.characters), lower.count)
            var (upperStart, upperCount) = (Optional(upper.characters), upper.count)
            try database.explaining("estimate a size") { error in
                rocksdb_approximate_sizes(handle, 1, &lowerStart, &lowerCount, &upperStart, &upperCount, &size, &error)
            }
            return size
        }
        return size ?? 0
    }

    /// Loads entries in ascending order of their keys, past the memory tables: the quick way to restore a store.
    ///
    ///     try store.bulkLoad { writer in
    ///         for entry in sorted { try writer.put(entry.key, entry.value) }
    ///     }
    ///
    /// The entries become visible, and durable, all at once when `body` returns, and replace older values of their keys; when `body` throws, nothing has happened.
    /// Whatever was written before is flushed first, so that what survives a crash is still a prefix of what was written.
    ///
    /// - Throws: What `body` throws; `MillraceError` of kind `store` when a key is not greater than the one before, or the disk refuses.
    public func bulkLoad(_ body: (SortedWriter) throws -> Void) throws {
        try flush()
        let writer = SortedWriter(database)
        defer { writer.removeFiles() }
        try body(writer)
        let files = try writer.finish()
        guard !files.isEmpty else { return }
        try database.use { handle in
            try files.withCStrings { names in
                try database.explaining("load \(files.count) sorted files") { error in
                    rocksdb_ingest_external_file(handle, names, files.count, database.ingestOptions, &error)
                }
            }
        }
    }
}

extension RocksDBStore {
    /// `bulkLoad`, as any byte store has it.
    public func load(sorted body: (any SortedEntries) throws -> Void) throws {
        try bulkLoad { try body($0) }
    }

    /// Whether RocksDB has met damage since the directory was opened. The next opening refuses it.
    public var isDamaged: Bool { database.isDamaged }
}

extension UnsafeRawBufferPointer {
    /// The bytes as RocksDB wants them: never a null pointer, which stands for "no bound" in places.
    var characters: UnsafePointer<CChar> {
        guard let start = baseAddress else { return Self.nothing }
        return start.assumingMemoryBound(to: CChar.self)
    }

    // Never read or written: only its address counts.
    nonisolated(unsafe) private static let nothing = UnsafePointer<CChar>(UnsafeMutablePointer<CChar>.allocate(capacity: 1))
}

extension [String] {
    /// Calls `body` with C's view of these strings.
    fileprivate func withCStrings<Result>(_ body: (UnsafePointer<UnsafePointer<CChar>?>) throws -> Result) rethrows -> Result {
        let all = ContiguousArray(joined(separator: "\0").utf8CString)
        return try all.withUnsafeBufferPointer { characters in
            var starts: [UnsafePointer<CChar>?] = []
            var next = characters.baseAddress
            for text in self {
                starts.append(next)
                next = next?.advanced(by: text.utf8.count + 1)
            }
            return try body(&starts)
        }
    }
}
