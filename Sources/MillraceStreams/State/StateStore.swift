import MillraceCore

/// What the engine asks of every kind of store of a task.
public protocol StateStore: AnyObject {
    /// The name, which is part of the changelog's.
    var name: String { get }
    /// Roughly the memory it takes beyond the disk's.
    var byteCount: Int { get }
    /// Whether anything was written since the last commit.
    var hasUncommittedRows: Bool { get }
    /// Whether `commit` may be called without a batch although the store is on disk; it then keeps the rows for the next batch.
    var canSaveLater: Bool { get }
    /// Whether `save` may be called for those rows, in place of a commit with a batch.
    var savesSorted: Bool { get }
    /// Roughly how many bytes the next batch for the disk will hold, of a store that can save later.
    var unsavedBytes: Int { get }

    /// Hands all writes since the last commit to the changelog and to the batch for the disk.
    ///
    /// - Parameters:
    ///   - changelog: Receives key, value (`nil`: removed), time and headers; not called for stores without a changelog.
    ///   - batch: Receives the rows for the disk; `nil` for stores that live in memory.
    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws

    /// Hands the rows that commits without a batch have kept to the disk, in the order of their keys there.
    ///
    /// - Parameter batch: Receives what is no row and may be written later, or not at all in a crash.
    func save(to entries: any SortedEntries, _ batch: any ByteStoreBatch) throws

    /// Takes a record of the changelog during a restore.
    func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?)
        throws

    /// Called when the records of one batch have been taken and before the batch is written: the last chance to put anything into it.
    func finishRestoring(batch: (any ByteStoreBatch)?) throws

    /// Forgets what can be read from disk again, beyond `limit` bytes. Only after a commit.
    func trim(to limit: Int)
}

extension StateStore {
    /// Most stores put each record into the batch as it comes.
    public func finishRestoring(batch: (any ByteStoreBatch)?) throws {}
}

extension StateStore {
    public var canSaveLater: Bool { false }
    public var savesSorted: Bool { false }
    public func save(to entries: any SortedEntries, _ batch: any ByteStoreBatch) throws {}
    public var unsavedBytes: Int { 0 }
}

/// A store that may be restored past itself, because its rows on disk are the records of its changelog: the key behind a prefix, and the time before the value.
protocol VerbatimStore: AnyObject {
    /// What the keys begin with on disk; `nil` where the rows differ after all. Asking for it tells the store that rows will be there that it has not seen.
    var verbatimPrefix: [UInt8]? { get }
}

/// Receives key and value of a row as they lie on disk. The bytes are valid during the call.
@usableFromInline
typealias RowSink = (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void

/// Receives the key, value (`nil`: removed), time and headers of a row that goes to a changelog. The bytes are valid during the call.
public typealias ChangelogSink = (UnsafeRawBufferPointer, UnsafeRawBufferPointer?, Timestamp, Headers) throws -> Void
