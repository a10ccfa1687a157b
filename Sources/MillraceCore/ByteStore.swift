/// Ordered bytes to bytes on disk or in memory: what every store of the app rests on. Keys are ordered as unsigned bytes.
///
/// One byte store serves a whole app; whoever uses it sets its keys apart by a prefix. Reads may come from several threads at once and see whole batches only.
/// Nothing that was written is promised to survive the process before `flush` returns; what does survive is a prefix of the batches, in order.
public protocol ByteStore: AnyObject, Sendable {
    /// Appends the value of `key` to `buffer`.
    ///
    /// - Returns: `false`, with `buffer` untouched, when there is no such key.
    func get(_ key: UnsafeRawBufferPointer, into buffer: ByteBuffer) throws -> Bool

    /// A cursor over the keys in `lower ..< upper`, which stands before the first entry; `nil` for `upper` means to the end.
    ///
    /// The cursor sees the store as it was at this call.
    func cursor(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer?) throws -> any ByteStoreCursor

    /// An empty batch of writes for this store.
    func makeBatch() -> any ByteStoreBatch

    /// Applies all of the batch or none of it, and empties it.
    func write(_ batch: any ByteStoreBatch) throws

    /// Writes many entries in ascending order of their keys, each key once: the quick way to fill a store.
    ///
    /// They become visible, all at once, when `body` returns, and replace older values of their keys; when `body` throws, nothing has happened.
    /// Without a quicker way of its own, a store gathers them in a batch.
    ///
    /// - Throws: What `body` throws; `MillraceError` of kind `store` when a key is not greater than the one before, or the disk refuses.
    func load(sorted body: (any SortedEntries) throws -> Void) throws

    /// Whether damage has been met, so that what the store holds must not be used any more.
    var isDamaged: Bool { get }

    /// Returns when everything written so far survives a crash of the machine.
    func flush() throws

    /// Makes everything written so far durable and gives the store's files free, so that they can be opened again. No other call may follow.
    func close() throws

    /// Roughly how many bytes the keys in `lower ..< upper` take; for metrics.
    func approximateSize(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) -> UInt64

    /// What the store takes of memory and disk; asked by any thread, now and then. All zero where the store cannot tell, or is closed.
    var usage: ByteStoreUsage { get }
}

extension ByteStore {
    public func load(sorted body: (any SortedEntries) throws -> Void) throws {
        let batch = makeBatch()
        try body(BatchedEntries(batch))
        if batch.count > 0 { try write(batch) }
    }

    public var isDamaged: Bool { false }
}

/// Takes entries in ascending order of their keys, see `ByteStore.load`. The bytes are copied at each call.
public protocol SortedEntries: AnyObject {
    /// Sets the value of a key that is greater than those before.
    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws
    /// Removes a key that is greater than those before; nothing happens when there is none.
    func delete(_ key: UnsafeRawBufferPointer) throws
}

/// Sorted entries of a store that knows batches only.
private final class BatchedEntries: SortedEntries {
    private let batch: any ByteStoreBatch
    private let lastKey = ByteBuffer()
    private var isEmpty = true

    init(_ batch: any ByteStoreBatch) {
        self.batch = batch
    }

    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws {
        try check(key)
        batch.put(key, value)
    }

    func delete(_ key: UnsafeRawBufferPointer) throws {
        try check(key)
        batch.delete(key)
    }

    private func check(_ key: UnsafeRawBufferPointer) throws {
        guard isEmpty || lastKey.bytes.lexicographicallyPrecedes(key) else {
            throw MillraceError(.store, "Keys must be loaded in ascending order, each once.")
        }
        isEmpty = false
        lastKey.removeAll()
        lastKey.append(key)
    }
}

/// A position in a byte store, moved entry by entry in either direction.
public protocol ByteStoreCursor: AnyObject {
    /// Moves to the next entry (at first to the first one); `false` when there is none.
    func next() throws -> Bool
    /// Moves to the entry before (at first to the last one); `false` when there is none.
    func previous() throws -> Bool
    /// Moves to the first entry whose key is `key` or greater; `false` when there is none within the cursor's range.
    func seek(to key: UnsafeRawBufferPointer) throws -> Bool
    /// The entry's key, valid until the cursor moves.
    var key: UnsafeRawBufferPointer { get }
    /// The entry's value, valid until the cursor moves.
    var value: UnsafeRawBufferPointer { get }
}

/// Writes that become visible together. The bytes are copied at each call.
public protocol ByteStoreBatch: AnyObject {
    /// Sets the value of a key, when the batch is written.
    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer)
    /// Removes a key, when the batch is written; nothing happens when there is none.
    func delete(_ key: UnsafeRawBufferPointer)
    /// Deletes all keys in `lower ..< upper`.
    func deleteRange(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer)
    /// The number of calls since the batch was last empty.
    var count: Int { get }
}
