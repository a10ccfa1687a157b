import CRocksDB
import MillraceCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Takes entries in ascending order of their keys and writes the files that `RocksDBStore.bulkLoad` hands to RocksDB.
///
/// Valid only inside the closure it is given to, and not thread-safe.
public final class SortedWriter: SortedEntries {
    /// Files of about this size fit into the levels of the database as they are.
    private static let fileSize: UInt64 = 64 << 20

    private let database: RocksDBDatabase
    private var current: OpaquePointer?
    private var files: [String] = []
    private let lastKey = ByteBuffer()

    /// The number of entries written so far.
    public private(set) var count = 0

    init(_ database: RocksDBDatabase) {
        self.database = database
    }

    deinit {
        if let current { rocksdb_sstfilewriter_destroy(current) }
    }

    /// Adds an entry, whose bytes are copied.
    ///
    /// - Throws: `MillraceError` of kind `store` when `key` is not greater than the key before, or the disk refuses.
    public func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws {
        try add(key) { file, error in
            rocksdb_sstfilewriter_put(file, key.characters, key.count, value.characters, value.count, &error)
        }
    }

    /// Adds the removal of a key, which may or may not be there.
    ///
    /// - Throws: As `put`.
    public func delete(_ key: UnsafeRawBufferPointer) throws {
        try add(key) { file, error in rocksdb_sstfilewriter_delete(file, key.characters, key.count, &error) }
    }

    private func add(_ key: UnsafeRawBufferPointer, _ call: (OpaquePointer?, inout UnsafeMutablePointer<CChar>?) -> Void) throws {
        let last = lastKey.bytes
        let common = min(last.count, key.count)
        let order = common == 0 ? 0 : memcmp(last.characters, key.characters, common)
        guard count == 0 || order < 0 || (order == 0 && last.count < key.count) else {
            throw MillraceError(
                .store,
                "keys must be loaded in ascending order, each once; entry \(count) of the load is not greater than the one before it")
        }
        // Keys begin with the number of a store. A file for each store keeps the range of a file small, so that it overlaps with no other.
        let isOfSameStore = common >= 4 && memcmp(last.characters, key.characters, 4) == 0
        if current != nil, !isOfSameStore { try finishFile() }
        let file = try current ?? start()
        try database.explaining("write a sorted file") { error in call(file, &error) }
        lastKey.removeAll()
        lastKey.append(key)
        count += 1
        guard count % 256 == 0 else { return }
        var size: UInt64 = 0
        rocksdb_sstfilewriter_file_size(file, &size)
        if size >= Self.fileSize { try finishFile() }
    }

    /// Ends the last file.
    ///
    /// - Returns: The files, in the order of their keys.
    func finish() throws -> [String] {
        try finishFile()
        return files
    }

    /// Removes what RocksDB has not moved away.
    func removeFiles() {
        for file in files { StateDirectory.remove(file) }
    }

    private func start() throws -> OpaquePointer? {
        let name = try StateDirectory.newBulkLoadFile(in: database.path)
        let environment = rocksdb_envoptions_create()
        defer { rocksdb_envoptions_destroy(environment) }
        let file = rocksdb_sstfilewriter_create(environment, database.settings.options)
        current = file
        files.append(name)
        try database.explaining("create a sorted file") { error in rocksdb_sstfilewriter_open(file, name, &error) }
        return file
    }

    private func finishFile() throws {
        guard let file = current else { return }
        current = nil
        defer { rocksdb_sstfilewriter_destroy(file) }
        try database.explaining("finish a sorted file") { error in rocksdb_sstfilewriter_finish(file, &error) }
    }
}
