import MillraceCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A byte store in memory, for tests: simple enough to be believed, and with the behaviour of the store on disk.
///
///     let store = MemoryByteStore()
///
/// Entries are kept in one sorted array, so a write costs time in proportion to the size of the store. Nothing survives the object, and `flush` does nothing.
public final class MemoryByteStore: ByteStore {
    private let entries = Mutex<[MemoryEntry]>([])

    /// An empty store.
    public init() {}

    /// The number of entries.
    public var count: Int { entries.withLock { $0.count } }

    public func get(_ key: UnsafeRawBufferPointer, into buffer: ByteBuffer) throws -> Bool {
        // Copying the array first would make the next write copy all entries.
        let value = entries.withLock { entries -> [UInt8]? in
            let place = entries.firstPlace(notBefore: key)
            return place < entries.count && entries[place].key.elementsEqual(key) ? entries[place].value : nil
        }
        guard let value else { return false }
        buffer.append(value)
        return true
    }

    public func cursor(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer?) throws -> any ByteStoreCursor {
        let snapshot = entries.withLock { $0 }
        let start = snapshot.firstPlace(notBefore: lower)
        let end = upper.map { snapshot.firstPlace(notBefore: $0) } ?? snapshot.count
        return MemoryCursor(snapshot, start..<max(start, end))
    }

    public func makeBatch() -> any ByteStoreBatch {
        MemoryBatch()
    }

    /// - Throws: `MillraceError` of kind `store` when the batch was made by a store of another kind.
    public func write(_ batch: any ByteStoreBatch) throws {
        guard let batch = batch as? MemoryBatch else {
            throw MillraceError(.store, "a batch of \(type(of: batch)) cannot be written to memory; make it with the store's makeBatch()")
        }
        let changes = batch.takeAll()
        entries.withLock { entries in
            for change in changes { entries.apply(change) }
        }
    }

    /// Does nothing: the store has no files, and a test may go on with it after the app that used it has ended.
    public func close() throws {}

    public func flush() throws {}

    /// The exact number of bytes in the keys and values of the range.
    public func approximateSize(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) -> UInt64 {
        entries.withLock { entries in
            let start = entries.firstPlace(notBefore: lower)
            let end = max(start, entries.firstPlace(notBefore: upper))
            return entries[start..<end].reduce(0) { $0 + UInt64($1.key.count + $1.value.count) }
        }
    }
}

private struct MemoryEntry: Sendable {
    let key: [UInt8]
    var value: [UInt8]
}

private enum MemoryChange {
    case put([UInt8], [UInt8])
    case delete([UInt8])
    case deleteRange([UInt8], [UInt8])
}

extension [MemoryEntry] {
    /// Where `key` is, or would be.
    fileprivate func firstPlace(notBefore key: some Collection<UInt8>) -> Int {
        key.withContiguousStorageIfAvailable { firstPlace(notBefore: UnsafeRawBufferPointer($0)) }
            ?? Array<UInt8>(key).withUnsafeBytes { firstPlace(notBefore: $0) }
    }

    private func firstPlace(notBefore key: UnsafeRawBufferPointer) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if precedes(middle, key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// By bytes; a prefix comes first. Not by the collections' own comparison, which takes most of the time of a test when it is not optimised.
    private func precedes(_ place: Int, _ key: UnsafeRawBufferPointer) -> Bool {
        self[place].key.withUnsafeBytes { own in
            let common = Swift.min(own.count, key.count)
            if common > 0, let own = own.baseAddress, let key = key.baseAddress {
                let order = memcmp(own, key, common)
                if order != 0 { return order < 0 }
            }
            return own.count < key.count
        }
    }

    fileprivate mutating func apply(_ change: MemoryChange) {
        switch change {
        case .put(let key, let value):
            let place = firstPlace(notBefore: key)
            if place < count && self[place].key == key {
                self[place].value = value
            } else {
                insert(MemoryEntry(key: key, value: value), at: place)
            }
        case .delete(let key):
            let place = firstPlace(notBefore: key)
            if place < count && self[place].key == key { remove(at: place) }
        case .deleteRange(let lower, let upper):
            let start = firstPlace(notBefore: lower)
            removeSubrange(start..<Swift.max(start, firstPlace(notBefore: upper)))
        }
    }
}

private final class MemoryBatch: ByteStoreBatch {
    private var changes: [MemoryChange] = []
    var count: Int { changes.count }

    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        changes.append(.put(Array(key), Array(value)))
    }

    func delete(_ key: UnsafeRawBufferPointer) {
        changes.append(.delete(Array(key)))
    }

    func deleteRange(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) {
        changes.append(.deleteRange(Array(lower), Array(upper)))
    }

    func takeAll() -> [MemoryChange] {
        defer { changes.removeAll() }
        return changes
    }
}

/// Walks over the entries as they were when the cursor was made.
private final class MemoryCursor: ByteStoreCursor {
    private let entries: [MemoryEntry]
    private let range: Range<Int>
    /// The entry's place; one outside the range at either end when there is no entry, `nil` before the first move.
    private var place: Int?
    private let keyBytes = ByteBuffer()
    private let valueBytes = ByteBuffer()

    init(_ entries: [MemoryEntry], _ range: Range<Int>) {
        self.entries = entries
        self.range = range
    }

    func next() -> Bool {
        arrive(at: min((place ?? range.lowerBound - 1) + 1, range.upperBound))
    }

    func previous() -> Bool {
        arrive(at: max((place ?? range.upperBound) - 1, range.lowerBound - 1))
    }

    func seek(to key: UnsafeRawBufferPointer) -> Bool {
        arrive(at: min(max(entries.firstPlace(notBefore: key), range.lowerBound), range.upperBound))
    }

    var key: UnsafeRawBufferPointer {
        precondition(place.map(range.contains) ?? false, "a cursor has a key only after a move that returned true")
        return keyBytes.bytes
    }

    var value: UnsafeRawBufferPointer {
        precondition(place.map(range.contains) ?? false, "a cursor has a value only after a move that returned true")
        return valueBytes.bytes
    }

    private func arrive(at newPlace: Int) -> Bool {
        place = newPlace
        keyBytes.removeAll()
        valueBytes.removeAll()
        guard range.contains(newPlace) else { return false }
        keyBytes.append(entries[newPlace].key)
        valueBytes.append(entries[newPlace].value)
        return true
    }
}
