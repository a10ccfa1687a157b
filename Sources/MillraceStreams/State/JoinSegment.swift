import MillraceCore

/// The records of a stretch of time in a join store: for each key a run of records in order of time, so that the records of a key in a range of time are found by one probe and
/// one binary search. A segment is dropped as a whole.
@usableFromInline
final class JoinSegment<Value> {
    @usableFromInline let id: Int64
    /// Whether the disk may hold records that are not here.
    @usableFromInline private(set) var isOnDisk: Bool
    // Used by one task at a time, and no call out of here leads back into the same segment: exclusivity checks would only cost.
    @exclusivity(unchecked) @usableFromInline var count = 0
    @usableFromInline let keys = KeyTable()
    @exclusivity(unchecked) @usableFromInline var runs: ContiguousArray<Run<JoinEntry<Value>>> = []
    /// The slots of keys with records that the disk has still to get; some may be listed twice.
    @exclusivity(unchecked) @usableFromInline var unsavedSlots: ContiguousArray<Int> = []

    @usableFromInline
    init(id: Int64, isOnDisk: Bool) {
        self.id = id
        self.isOnDisk = isOnDisk
    }

    /// Roughly the memory it takes, when its values take so many bytes on the average.
    @usableFromInline
    func byteCount(averageValueSize: Int) -> Int {
        keys.byteCount + runs.count * MemoryLayout<Run<JoinEntry<Value>>>.stride + unsavedSlots.count * MemoryLayout<Int>.stride
            + count * (MemoryLayout<JoinEntry<Value>>.stride + averageValueSize)
    }

    /// The records of a key; `nil` when there are none.
    @inlinable
    func run(of key: UnsafeRawBufferPointer) -> Run<JoinEntry<Value>>? {
        let slot = keys.find(key)
        return slot < 0 ? nil : runs[slot]
    }

    /// Adds a record; one of the same key, time and number is replaced.
    @inlinable
    func insert(_ entry: JoinEntry<Value>, key: UnsafeRawBufferPointer) {
        let (slot, isNew) = keys.insert(key)
        if isNew {
            // Keys are only ever removed all together, so slots are given out one after the other.
            runs.append(Run(entry))
            count += 1
        } else if runs[slot].insert(entry) {
            count += 1
        }
        if entry.isUnsaved { unsavedSlots.append(slot) }
    }

    /// Calls `body` for each record that the disk has still to get, ordered by the length of the key, key, time and arrival as on disk, and takes them for saved.
    @inlinable
    func save(_ body: (UnsafeRawBufferPointer, JoinEntry<Value>) throws -> Void) rethrows {
        keys.sortByLength(&unsavedSlots)
        for slot in unsavedSlots { try runs[slot].save { try body(keys.key(of: slot), $0) } }
        unsavedSlots.removeAll(keepingCapacity: true)
    }

    /// Forgets all records, which are on disk.
    func removeAll() {
        keys.removeAll()
        runs = []
        count = 0
        isOnDisk = true
    }
}
