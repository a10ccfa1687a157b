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
    /// The first four bytes of the last key.
    private var lastStore: UInt32 = 0
    /// The last key of the file before, where that was full.
    private var lastKeyBefore: [UInt8]?

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
        let file = try file(for: key)
        var error: UnsafeMutablePointer<CChar>?
        rocksdb_sstfilewriter_put(file, key.characters, key.count, value.characters, value.count, &error)
        try finishEntry(key, &error)
    }

    /// Adds the removal of a key, which may or may not be there.
    ///
    /// - Throws: As `put`.
    public func delete(_ key: UnsafeRawBufferPointer) throws {
        let file = try file(for: key)
        var error: UnsafeMutablePointer<CChar>?
        rocksdb_sstfilewriter_delete(file, key.characters, key.count, &error)
        try finishEntry(key, &error)
    }

    /// The file that a key goes to. Within a file RocksDB itself sees to the order.
    @inline(__always)
    private func file(for key: UnsafeRawBufferPointer) throws -> OpaquePointer? {
        let store = SortedWriter.store(of: key)
        if store == lastStore, let current { return current }
        return try nextFile(key, store)
    }

    /// Keys begin with the number of a store. A file for each store keeps the range of a file small, so that it overlaps with no other.
    private func nextFile(_ key: UnsafeRawBufferPointer, _ store: UInt32) throws -> OpaquePointer? {
        guard count == 0 || store >= lastStore else { throw outOfOrder }
        if store == lastStore, let lastKeyBefore, !lastKeyBefore.lexicographicallyPrecedes(key) { throw outOfOrder }
        try finishFile()
        (lastStore, lastKeyBefore) = (store, nil)
        return try start()
    }

    /// The first four bytes of a key as a number, zeros where it is shorter: keys of which this is less come first.
    @inline(__always)
    private static func store(of key: UnsafeRawBufferPointer) -> UInt32 {
        if key.count >= 4 { return key.loadBigEndian() }
        return key.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (4 - key.count))
    }

    @inline(__always)
    private func finishEntry(_ key: UnsafeRawBufferPointer, _ error: inout UnsafeMutablePointer<CChar>?) throws {
        if error != nil { try fail(&error) }
        count += 1
        if count % 256 == 0 { try finishFullFile(behind: key) }
    }

    private func finishFullFile(behind key: UnsafeRawBufferPointer) throws {
        guard let current else { return }
        var size: UInt64 = 0
        rocksdb_sstfilewriter_file_size(current, &size)
        guard size >= Self.fileSize else { return }
        lastKeyBefore = Array(key)
        try finishFile()
    }

    private func fail(_ error: inout UnsafeMutablePointer<CChar>?) throws {
        let text = RocksDBFailure.text(taking: &error) ?? "unknown error"
        throw text.contains("ascending order") ? outOfOrder : RocksDBFailure.whileWorking(database.path, "write a sorted file", text)
    }

    private var outOfOrder: MillraceError {
        MillraceError(
            .store, "keys must be loaded in ascending order, each once; entry \(count) of the load is not greater than the one before it")
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
