import CRocksDB
import MillraceCore
import Synchronization

/// An open RocksDB database with the options that its calls take.
///
/// A database that is closed while a thread reads, or while a cursor lives, would crash the process. So each of them counts as a user, and whoever leaves last, after `close`, gives RocksDB's resources free.
final class RocksDBDatabase: @unchecked Sendable {
    let path: String
    let settings: RocksDBSettings
    let readOptions = rocksdb_readoptions_create()
    let writeOptions = rocksdb_writeoptions_create()
    let flushOptions = rocksdb_flushoptions_create()
    let ingestOptions = rocksdb_ingestexternalfileoptions_create()

    private let handle: OpaquePointer
    /// The users, the open store itself being one; negative numbers never occur, and zero is final.
    private let users = Atomic<Int>(1)
    private let closed = Atomic<Bool>(false)
    private let damaged = Atomic<Bool>(false)

    init(path: String, memoryBudget: Int) throws {
        self.path = path
        // Whole batches survive in order without a write-ahead log as long as there is a single column family.
        rocksdb_writeoptions_disable_WAL(writeOptions, 1)
        rocksdb_flushoptions_set_wait(flushOptions, 1)
        rocksdb_ingestexternalfileoptions_set_move_files(ingestOptions, 1)
        do {
            (handle, settings) = try Self.open(path, memoryBudget)
        } catch {
            Self.destroy(readOptions, writeOptions, flushOptions, ingestOptions)
            throw error
        }
    }

    /// Opens with LZ4, or without compression where RocksDB was built without LZ4.
    private static func open(_ path: String, _ memoryBudget: Int) throws -> (OpaquePointer, RocksDBSettings) {
        var failure = "unknown error"
        for compression in [rocksdb_lz4_compression, rocksdb_no_compression] {
            let settings = RocksDBSettings(memoryBudget: memoryBudget, compression: compression)
            var error: UnsafeMutablePointer<CChar>?
            if let handle = rocksdb_open(settings.options, path, &error) { return (handle, settings) }
            failure = RocksDBFailure.text(taking: &error) ?? failure
            guard failure.contains("not linked") else { break }
        }
        throw RocksDBFailure.whileOpening(path, failure)
    }

    deinit {
        precondition(users.load(ordering: .acquiring) == 0, "a database ends with nobody using it")
        Self.destroy(readOptions, writeOptions, flushOptions, ingestOptions)
    }

    var isClosed: Bool { closed.load(ordering: .acquiring) }

    /// Whether RocksDB has reported damage.
    var isDamaged: Bool { damaged.load(ordering: .acquiring) }

    /// Lets the database go as soon as the last user has left. Only the first call counts.
    func close() {
        if !closed.exchange(true, ordering: .acquiringAndReleasing) { leave() }
    }

    /// Counts a user and returns the database to use until `leave`.
    ///
    /// - Throws: `MillraceError` of kind `store` when the database has been closed.
    func enter() throws -> OpaquePointer {
        var count = users.load(ordering: .relaxed)
        while !isClosed && count > 0 {
            let (exchanged, original) = users.weakCompareExchange(
                expected: count, desired: count + 1, ordering: .acquiringAndReleasing)
            if exchanged { return handle }
            count = original
        }
        throw MillraceError(.store, "the state in \(path) was used after it had been closed")
    }

    func leave() {
        if users.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { rocksdb_close(handle) }
    }

    /// Calls `body` with the database, which stays open until it returns.
    func use<Result>(_ body: (OpaquePointer) throws -> Result) throws -> Result {
        let handle = try enter()
        defer { leave() }
        return try body(handle)
    }

    /// Calls RocksDB and throws what it puts into `error`, in words.
    ///
    /// - Parameter action: What was tried, as in "could not read a key".
    func explaining<Result>(
        _ action: @autoclosure () -> String, _ call: (inout UnsafeMutablePointer<CChar>?) -> Result
    ) throws -> Result {
        var error: UnsafeMutablePointer<CChar>?
        let result = call(&error)
        if let text = RocksDBFailure.text(taking: &error) {
            let failure = RocksDBFailure.whileWorking(path, action(), text)
            if failure.kind == .corruption { damaged.store(true, ordering: .releasing) }
            throw failure
        }
        return result
    }

    private static func destroy(_ read: OpaquePointer?, _ write: OpaquePointer?, _ flush: OpaquePointer?, _ ingest: OpaquePointer?) {
        rocksdb_readoptions_destroy(read)
        rocksdb_writeoptions_destroy(write)
        rocksdb_flushoptions_destroy(flush)
        rocksdb_ingestexternalfileoptions_destroy(ingest)
    }
}
