import MillraceCore

/// A value in a store, and the time it is of.
public struct Row<Value> {
    // In this order the flags fill what the optional leaves of its last word: a row of a number takes 24 bytes, not 32.
    /// The time of the record that wrote it.
    public var timestamp: Timestamp
    /// `nil`: the key is known to have no value.
    public var value: Value?
    /// Written since the last commit.
    @usableFromInline var isDirty: Bool
    /// Committed to the changelog, but not yet handed to the disk.
    @usableFromInline var isUnsaved = false
    /// Whether the disk may have the row. A row that comes and goes between two saves leaves nothing there to delete.
    @usableFromInline var mayBeOnDisk: Bool

    @inlinable
    init(value: Value?, timestamp: Timestamp, isDirty: Bool, mayBeOnDisk: Bool = false) {
        self.value = value
        self.timestamp = timestamp
        self.isDirty = isDirty
        self.mayBeOnDisk = mayBeOnDisk
    }
}

/// Where the committed rows of a store, or of one segment of it, lie: all keys of a byte store that begin with a prefix.
@usableFromInline
package struct Backing: Sendable {
    @usableFromInline package let store: any ByteStore
    @usableFromInline package let prefix: [UInt8]

    package init(store: any ByteStore, prefix: [UInt8]) {
        self.store = store
        self.prefix = prefix
    }

    @usableFromInline
    static func tooShort(_ count: Int) -> MillraceError {
        MillraceError(
            .corruption,
            "A row of the local state is \(count) bytes long, too short to hold its timestamp. Delete the state directory: it will be rebuilt from the changelog."
        )
    }
}

/// The writes of one store that are not yet committed, laid over what is on disk.
///
/// An overlay is not a cache. A cache may drop an entry at any time; an overlay may not drop a dirty one, because it is the only copy of work that the changelog has not
/// acknowledged. Rows that were committed, or read from disk, stay as a bounded cache until `trim`. Without a backing the overlay is all there is, and nothing is ever dropped.
///
/// Invariants, checked by `checkInvariants()`: a slot is listed in `dirtySlots` if and only if its row is dirty; every slot of the table has a row; if ordered, the order holds
/// exactly the slots of rows with a value, so that a walk never wades through removed ones.
public final class Overlay<Value> {
    @usableFromInline let keys = KeyTable()
    // Used by one task at a time, and no call out of here leads back into the same rows: exclusivity checks would only cost.
    @exclusivity(unchecked) @usableFromInline var rows: ContiguousArray<Row<Value>> = []
    @exclusivity(unchecked) @usableFromInline var dirtySlots: ContiguousArray<Int> = []
    /// Rows that the disk has still to get. They are handed over less often than rows are committed, since a row that changes all the time needs to go there but once: after a
    /// crash the changelog has what is missing.
    @usableFromInline var unsavedSlots: ContiguousArray<Int> = []
    /// Built by the first walk, and kept up from then on: most stores are never asked for ranges, and do not pay for them.
    @exclusivity(unchecked) @usableFromInline var order: KeyOrder?
    @usableFromInline let backing: Backing?
    /// Whether the disk may have rows that are not here: then keys that are new here are looked up there.
    @usableFromInline var mayMissRows: Bool
    @usableFromInline let serde: Serde<Value>
    /// Headers of the records that wrote the dirty rows, for the few stores whose changelogs carry them.
    @exclusivity(unchecked) @usableFromInline var headers: [Int: Headers] = [:]
    @usableFromInline let scratch = ByteBuffer()
    @usableFromInline let scratchKey = ByteBuffer()
    @usableFromInline var averageValueSize = 16
    /// Told of changes, while somebody watches.
    @exclusivity(unchecked) @usableFromInline var tap: RowTap<Value>?
    var listeners: RowListeners<Value>?
    /// `commitRows`, compiled for the type of the values where that was known when the store was declared. The engine reaches stores as `any StateStore`, which by itself leads
    /// to the version for all types, many times slower.
    @usableFromInline let commitRows: (Overlay, (any ByteStoreBatch)?, ChangelogSink) throws -> Void
    /// `save(to:)`, likewise.
    private let saveRows: (Overlay, any SortedEntries) throws -> Void

    /// - Parameter isNew: Whether nothing is on disk yet.
    @inlinable
    convenience init(serde: Serde<Value>, backing: Backing?, isNew: Bool = false) {
        self.init(
            serde, backing, isNew, commitRows: { overlay, batch, changelog in try overlay.commitRows(to: changelog, batch) },
            saveRows: { overlay, entries in try overlay.saveRows(to: entries) })
    }

    @usableFromInline
    init(
        _ serde: Serde<Value>, _ backing: Backing?, _ isNew: Bool,
        commitRows: @escaping (Overlay, (any ByteStoreBatch)?, ChangelogSink) throws -> Void,
        saveRows: @escaping (Overlay, any SortedEntries) throws -> Void
    ) {
        self.serde = serde
        self.backing = backing
        self.commitRows = commitRows
        self.saveRows = saveRows
        mayMissRows = backing != nil && !isNew
    }

    /// Roughly the memory that the overlay takes.
    var byteCount: Int {
        keys.byteCount + rows.count * (MemoryLayout<Row<Value>>.stride + averageValueSize)
    }

    var hasUncommittedRows: Bool { !dirtySlots.isEmpty }

    /// Roughly the bytes that the next batch for the disk will hold.
    var unsavedBytes: Int { backing == nil ? 0 : (dirtySlots.count + unsavedSlots.count) * (averageValueSize + 32) }

    /// The slot of `key`, whose row is read from disk when it is not here yet. Valid until `commit` or `trim`.
    @inlinable
    public func slot(of key: UnsafeRawBufferPointer) throws -> Int {
        let (slot, isNew) = keys.insert(key)
        if isNew { try takeUp(slot, key) }
        return slot
    }

    /// The row of a slot.
    @inlinable
    public func row(_ slot: Int) -> Row<Value> { rows[slot] }

    /// Replaces the row of a slot; `nil` removes the key from the store.
    @inlinable
    public func write(_ value: Value?, _ timestamp: Timestamp, slot: Int) {
        if !rows[slot].isDirty {
            dirtySlots.append(slot)
            if let tap { tap.note(rows[slot], slot) }
        }
        if (rows[slot].value == nil) != (value == nil) { reorder(slot, hasValue: value != nil) }
        rows.withUnsafeMutableBufferPointer { rows in
            rows[slot].value = value
            rows[slot].timestamp = timestamp
            rows[slot].isDirty = true
        }
    }

    /// The value of `key`, `nil` when there is none. Rows that are not there are not remembered, so asking for many costs no memory.
    @inlinable
    func get(_ key: UnsafeRawBufferPointer) throws -> Row<Value>? {
        let slot = keys.find(key)
        if slot >= 0 { return rows[slot].value == nil ? nil : rows[slot] }
        return try load(key)
    }

    @inlinable
    func put(_ key: UnsafeRawBufferPointer, _ value: Value?, _ timestamp: Timestamp, headers: Headers? = nil) {
        let (slot, isNew) = keys.insert(key)
        if isNew { place(Row(value: nil, timestamp: .none, isDirty: false, mayBeOnDisk: mayMissRows), slot) }
        write(value, timestamp, slot: slot)
        if let headers { self.headers[slot] = headers.isEmpty ? nil : headers }
    }

    /// Calls `body` for each row with a value whose key lies in `lower ..< upper`, in key order or against it, until it returns `false`.
    ///
    /// `body` may change the store: rows that it puts ahead are met, rows that it removes are not. The bytes of the key are valid during the call.
    func forEach(
        from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer?, reversed: Bool = false,
        _ body: (UnsafeRawBufferPointer, Row<Value>) throws -> Bool
    ) throws {
        let order = orderForWalks()
        let disk = try mayMissRows ? backing.map { try BackingCursor($0, from: lower, to: upper, reversed: reversed) } : nil
        let current = ByteBuffer()
        var slot = reversed ? upper.map(order.lastBefore) ?? order.last : order.seek(lower)
        while true {
            let inRange = slot >= 0 && (reversed ? !KeyTable.precedes(keys.key(of: slot), lower) : isBelow(keys.key(of: slot), upper))
            // What is on disk counts only where nothing is laid over it.
            while let disk, let key = disk.key, keys.find(key) >= 0 { try disk.advance() }
            let diskIsNext: Bool
            if let key = disk?.key {
                diskIsNext = !inRange || (KeyTable.precedes(key, keys.key(of: slot)) != reversed)
            } else {
                diskIsNext = false
            }
            current.removeAll()
            if diskIsNext, let disk, let key = disk.key {
                current.append(key)
                let row = try decode(disk.value)
                try disk.advance()
                if try !body(current.bytes, row) { return }
            } else if inRange {
                current.append(keys.key(of: slot))
                let row = rows[slot]
                if row.value != nil, try !body(current.bytes, row) { return }
            } else {
                return
            }
            if reversed {
                slot = order.lastBefore(current.bytes)
            } else {
                current.append(0)
                slot = order.seek(current.bytes)
            }
        }
    }

    /// Hands over every dirty row in the order of first writing, its bytes serialised, and makes it clean.
    ///
    /// - Parameters:
    ///   - batch: Receives the rows for the disk, those of earlier commits that went without one too; `nil` to keep them here for a later commit, or where there is no disk.
    ///   - body: Receives the key, the value's bytes (`nil`: removed), the row's time and headers, for the changelog.
    func commit(
        batch: (any ByteStoreBatch)?,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer?, Timestamp, Headers) throws -> Void
    ) throws {
        try withoutActuallyEscaping(body) { try commitRows(self, batch, $0) }
    }

    @inlinable
    func commitRows(to changelog: ChangelogSink, _ batch: (any ByteStoreBatch)?) throws {
        for slot in dirtySlots {
            let row = rows[slot]
            let key = keys.key(of: slot)
            if let tap { try tap.commit(row, slot, in: self) }
            scratch.removeAll()
            scratch.append(bigEndian: row.timestamp.milliseconds)
            var bytes: UnsafeRawBufferPointer?
            if let value = row.value, try serde.write(value, to: scratch) {
                bytes = UnsafeRawBufferPointer(rebasing: scratch.bytes[8...])
                averageValueSize += (scratch.count - averageValueSize) / 16
            }
            try changelog(key, bytes, row.timestamp, headers.isEmpty ? Headers() : headers[slot] ?? Headers())
            rows[slot].isDirty = false
            guard let backing else {
                if row.value == nil { keys.remove(slot) }
                continue
            }
            if row.value == nil, !row.mayBeOnDisk {
                rows[slot].isUnsaved = false
                keys.remove(slot)
            } else if let batch {
                // The bytes are at hand, so a row that waits for the disk from earlier commits goes there now, too.
                let diskKey = fullKey(backing, key)
                if row.value == nil { batch.delete(diskKey) } else { batch.put(diskKey, scratch.bytes) }
                noteSaved(slot, isRemoved: row.value == nil)
            } else if !row.isUnsaved {
                rows[slot].isUnsaved = true
                unsavedSlots.append(slot)
            }
        }
        dirtySlots.removeAll(keepingCapacity: true)
        if !headers.isEmpty { headers.removeAll() }
        guard let batch else { return }
        // In the order of their keys the database finds the place of each next to the one before, which is most of the cost of a write.
        try forEachUnsavedRow { key, value in
            if let value { batch.put(key, value) } else { batch.delete(key) }
        }
    }

    /// Hands over the rows that commits without a batch have kept here, in the order of their keys.
    func save(to entries: any SortedEntries) throws {
        try saveRows(self, entries)
    }

    @inlinable
    func saveRows(to entries: any SortedEntries) throws {
        try forEachUnsavedRow { key, value in
            if let value { try entries.put(key, value) } else { try entries.delete(key) }
        }
    }

    /// Calls `body` with key and value on disk (`nil`: to be deleted) of each row that earlier commits have kept here, in the order of their keys, and takes them for saved. No row
    /// is dirty now: the disk never gets what is not committed.
    @inlinable
    func forEachUnsavedRow(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer?) throws -> Void) throws {
        guard let backing else { return }
        unsavedSlots.removeAll { !rows[$0].isUnsaved }
        keys.sort(&unsavedSlots)
        for slot in unsavedSlots where rows[slot].isUnsaved {
            let row = rows[slot]
            scratch.removeAll()
            scratch.append(bigEndian: row.timestamp.milliseconds)
            if let value = row.value { _ = try serde.write(value, to: scratch) }
            try body(fullKey(backing, keys.key(of: slot)), row.value == nil ? nil : scratch.bytes)
            noteSaved(slot, isRemoved: row.value == nil)
        }
        unsavedSlots.removeAll(keepingCapacity: true)
    }

    /// Notes that the disk has got a row.
    @inlinable
    func noteSaved(_ slot: Int, isRemoved: Bool) {
        rows[slot].isUnsaved = false
        rows[slot].mayBeOnDisk = true
        if isRemoved { keys.remove(slot) }
    }

    /// Takes a row from the changelog during a restore, past the dirty rows: it is committed already.
    func restore(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?, _ timestamp: Timestamp, batch: (any ByteStoreBatch)?)
        throws
    {
        if let backing, let batch {
            let diskKey = fullKey(backing, key)
            guard let value else { return batch.delete(diskKey) }
            scratch.removeAll()
            scratch.append(bigEndian: timestamp.milliseconds)
            scratch.append(value)
            mayMissRows = true
            batch.put(diskKey, scratch.bytes)
            return
        }
        let (slot, isNew) = keys.insert(key)
        if isNew { place(Row(value: nil, timestamp: timestamp, isDirty: false), slot) }
        if (rows[slot].value == nil) != (value == nil) { reorder(slot, hasValue: value != nil) }
        guard let value else { return keys.remove(slot) }
        rows[slot] = Row(value: try serde.read(value), timestamp: timestamp, isDirty: false)
    }

    /// Forgets the clean rows that can be read from disk again, when they take more than `limit` bytes. Only after a commit.
    func trim(to limit: Int) {
        guard backing != nil, dirtySlots.isEmpty, unsavedSlots.isEmpty, byteCount > limit else { return }
        mayMissRows = true
        keys.removeAll()
        order?.removeAll()
        rows = []
    }

    func checkInvariants() {
        let dirty = (0..<keys.slotLimit).filter { $0 < rows.count && rows[$0].isDirty }
        precondition(Set(dirty) == Set(dirtySlots) && dirty.count == dirtySlots.count, "the dirty rows and their list must agree")
        precondition(rows.count >= keys.slotLimit, "every slot must have a row")
        guard let order else { return }
        var count = 0
        var slot = order.first
        while slot >= 0 {
            let next = order.next(slot)
            precondition(next < 0 || KeyTable.precedes(keys.key(of: slot), keys.key(of: next)), "keys must be in order")
            count += 1
            slot = next
        }
        let live = (0..<rows.count).filter { keys.isInUse($0) && rows[$0].value != nil }
        precondition(count == live.count, "the order must hold exactly the rows with a value")
    }

    /// The order of the rows with a value.
    private func orderForWalks() -> KeyOrder {
        if let order { return order }
        let order = KeyOrder(of: keys)
        for slot in 0..<keys.slotLimit where keys.isInUse(slot) && rows[slot].value != nil { order.insert(slot) }
        self.order = order
        return order
    }

    @inlinable
    func takeUp(_ slot: Int, _ key: UnsafeRawBufferPointer) throws {
        place(Row(value: nil, timestamp: .none, isDirty: false), slot)
        if let row = try load(key) {
            rows[slot] = row
            order?.insert(slot)
        }
    }

    /// Gives a new slot a row, one without a value.
    @inlinable
    func place(_ row: Row<Value>, _ slot: Int) {
        if slot < rows.count { rows[slot] = row } else { rows.append(row) }
    }

    @inlinable
    func reorder(_ slot: Int, hasValue: Bool) {
        if hasValue { order?.insert(slot) } else { order?.remove(slot) }
    }

    @inlinable
    func load(_ key: UnsafeRawBufferPointer) throws -> Row<Value>? {
        guard let backing, mayMissRows else { return nil }
        scratch.removeAll()
        guard try backing.store.get(fullKey(backing, key), into: scratch) else { return nil }
        averageValueSize += (scratch.count - averageValueSize) / 16
        return try decode(scratch.bytes)
    }

    @inlinable
    func decode(_ bytes: UnsafeRawBufferPointer) throws -> Row<Value> {
        guard bytes.count >= 8 else { throw Backing.tooShort(bytes.count) }
        let value = try serde.read(UnsafeRawBufferPointer(rebasing: bytes[8...]))
        return Row(value: value, timestamp: Timestamp(milliseconds: bytes.loadBigEndian()), isDirty: false, mayBeOnDisk: true)
    }

    @inlinable
    func fullKey(_ backing: Backing, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        scratchKey.removeAll()
        scratchKey.append(backing.prefix)
        scratchKey.append(key)
        return scratchKey.bytes
    }

    private func isBelow(_ key: UnsafeRawBufferPointer, _ upper: UnsafeRawBufferPointer?) -> Bool {
        upper.map { KeyTable.precedes(key, $0) } ?? true
    }
}
