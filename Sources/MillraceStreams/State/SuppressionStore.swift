import MillraceCore

/// The changes that a suppression holds back, at most one for each key, in memory and in a changelog.
///
/// A further change of a row takes the place of the one that waits, and its place in time. Which is due next is known from a heap, so no operation looks at more than a path of it.
///
/// Kafka: `InMemoryTimeOrderedKeyValueChangeBuffer`.
@usableFromInline
final class SuppressionStore<Key, Value>: StateStore {
    /// What waits of a row.
    @usableFromInline
    struct Entry {
        @usableFromInline let key: Key
        @usableFromInline let dueTime: Int64
        /// The row's value before the first change that waits.
        @usableFromInline var prior: Value?
        @usableFromInline var change: Change<Value>
        @usableFromInline var origin: RecordOrigin
        /// What the entry counts in a buffer that is bounded by bytes.
        @usableFromInline var byteCount = 0
        /// `false` for a row that has left since the last commit.
        @usableFromInline var waits = true

        @inlinable
        init(key: Key, dueTime: Int64, prior: Value?, change: Change<Value>, origin: RecordOrigin) {
            self.key = key
            self.dueTime = dueTime
            self.prior = prior
            self.change = change
            self.origin = origin
        }
    }

    @usableFromInline let name: String
    @usableFromInline let keySerde: Serde<Key>
    @usableFromInline let valueSerde: Serde<Value>
    @usableFromInline let countsBytes: Bool
    @usableFromInline let task: TaskContext
    @usableFromInline let keys: KeyTable
    // Used by one task at a time, and no call out of here leads back into a put: exclusivity checks would only cost.
    /// By slot.
    @exclusivity(unchecked) @usableFromInline var entries: ContiguousArray<Entry> = []
    /// Slots whose changes are not in the changelog yet.
    @exclusivity(unchecked) @usableFromInline var dirtySlots: ContiguousArray<Int> = []
    @exclusivity(unchecked) @usableFromInline var isDirty: ContiguousArray<Bool> = []
    @usableFromInline let queue: DueQueue
    /// After rows were restored, the queue is made anew when it is needed.
    @exclusivity(unchecked) @usableFromInline var queueIsValid = true
    /// The number of rows that wait.
    @exclusivity(unchecked) @usableFromInline var count = 0
    /// Their size by Kafka's estimate; counted only where it is bounded.
    @exclusivity(unchecked) @usableFromInline var bufferedBytes = 0
    @usableFromInline let keyBuffer = ByteBuffer()
    @usableFromInline let scratch = ByteBuffer()
    @usableFromInline let oldScratch = ByteBuffer()
    /// `writeChanges`, compiled for the types of the table where the store was declared; see `Overlay.commitRows`.
    private let writeChanges: (SuppressionStore, ChangelogSink) throws -> Void

    @inlinable
    convenience init(name: String, key: Serde<Key>, value: Serde<Value>, countsBytes: Bool, task: TaskContext) {
        self.init(name, key, value, countsBytes, task) { store, changelog in try store.writeChanges(to: changelog) }
    }

    @usableFromInline
    init(
        _ name: String, _ key: Serde<Key>, _ value: Serde<Value>, _ countsBytes: Bool, _ task: TaskContext,
        writeChanges: @escaping (SuppressionStore, ChangelogSink) throws -> Void
    ) {
        self.name = name
        keySerde = key
        valueSerde = value
        self.countsBytes = countsBytes
        self.task = task
        self.writeChanges = writeChanges
        keys = KeyTable()
        queue = DueQueue(of: keys)
    }

    /// Takes a change in; it takes the place of one of the same row.
    @inlinable
    func put(_ record: Record<Key, Change<Value>>, dueTime: Int64) throws {
        if !queueIsValid { makeQueue() }
        if countsBytes { try checkIsWritable(record.value) }
        let (slot, isNew) = keys.insert(try bytes(of: record.key))
        let origin = task.origin(record.timestamp, record.headers)
        if !isNew, entries[slot].waits {
            entries[slot].change = record.value
            entries[slot].origin = origin
        } else {
            place(Entry(key: record.key, dueTime: dueTime, prior: record.value.old, change: record.value, origin: origin), slot)
            count += 1
            queue.add(slot, dueAt: dueTime)
        }
        if countsBytes { try countBytes(of: slot, keyLength: keyBuffer.count) }
        markDirty(slot)
    }

    /// The time at which the first row is due; `nil` when none waits.
    @inlinable var firstTime: Int64? {
        if !queueIsValid { makeQueue() }
        return queue.firstTime
    }

    /// The slot of the row that is due first; `nil` when none waits.
    @inlinable var first: Int? {
        if !queueIsValid { makeQueue() }
        return queue.first
    }

    /// Removes the row that is due first.
    @inlinable
    func removeFirst() {
        guard let slot = queue.first else { return }
        queue.removeFirst()
        forget(slot)
        markDirty(slot)
    }

    /// The slot of a row that waits.
    @inlinable
    func slot(of key: Key) throws -> Int? {
        let slot = keys.find(try bytes(of: key))
        return slot >= 0 && entries[slot].waits ? slot : nil
    }

    /// What a row was before the changes that wait.
    @inlinable
    func priorValue(_ slot: Int) -> Value? {
        entries[slot].prior
    }

    @usableFromInline var byteCount: Int { keys.byteCount + entries.count * (MemoryLayout<Entry>.stride + 32) }
    @usableFromInline var hasUncommittedRows: Bool { !dirtySlots.isEmpty }

    @usableFromInline
    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try writeChanges(self, changelog)
    }

    @inlinable
    func writeChanges(to changelog: ChangelogSink) throws {
        for slot in dirtySlots {
            isDirty[slot] = false
            let key = keys.key(of: slot)
            if entries[slot].waits {
                scratch.removeAll()
                try write(slot)
                try changelog(key, scratch.bytes, task.now, SuppressionFormat.headers)
            } else {
                try changelog(key, nil, task.now, Headers())
                keys.remove(slot)
            }
        }
        dirtySlots.removeAll(keepingCapacity: true)
    }

    @usableFromInline
    func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        queueIsValid = false
        let known = keys.find(key)
        if known >= 0 { forget(known) }
        guard let value else { return known >= 0 ? keys.remove(known) : () }
        guard headers.last(named: "v")?.value == [SuppressionFormat.version] else {
            throw MillraceError(
                .corruption,
                "A row in the changelog of \(name) is not in version \(SuppressionFormat.version) of the format, which Kafka Streams writes since 2.4.2."
            )
        }
        let entry = try read(key, value)
        let slot = keys.insert(key).slot
        place(entry, slot)
        count += 1
        if countsBytes { try countBytes(of: slot, keyLength: key.count) }
    }

    /// Nothing can be read again: there is no disk below.
    @usableFromInline
    func trim(to limit: Int) {}

    /// Origin, prior value, old value (length -2: the same as prior), new value, due time.
    @inlinable
    func write(_ slot: Int) throws {
        entries[slot].origin.write(to: scratch)
        let prior = try sized(entries[slot].prior, in: scratch)
        let priorStart = scratch.count - (prior ?? 0)
        oldScratch.removeAll()
        let old = try sized(entries[slot].change.old, in: oldScratch)
        if let old, prior == old, SuppressionFormat.areSame(scratch.bytes[priorStart...], oldScratch.bytes[4...]) {
            scratch.append(bigEndian: SuppressionFormat.sameAsPrior)
        } else {
            scratch.append(oldScratch.bytes)
        }
        _ = try sized(entries[slot].change.new, in: scratch)
        scratch.append(bigEndian: entries[slot].dueTime)
    }

    /// Writes a value with its length before it, -1 for none.
    ///
    /// - Returns: The length; `nil` for none.
    @inlinable
    func sized(_ value: Value?, in buffer: ByteBuffer) throws -> Int? {
        let start = buffer.count
        buffer.append(bigEndian: Int32(-1))
        guard let value, try valueSerde.write(value, to: buffer) else { return nil }
        let length = buffer.count - start - 4
        buffer.mutableBytes.storeBytes(of: Int32(length).bigEndian, toByteOffset: start, as: Int32.self)
        return length
    }

    private func read(_ key: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) throws -> Entry {
        var reader = RecordOriginReader(bytes)
        let origin = try reader.origin()
        let prior = try reader.sizedBytes().map { try valueSerde.read($0) }
        let oldLength: Int32 = try reader.number()
        let old = oldLength == SuppressionFormat.sameAsPrior ? prior : try reader.bytes(length: oldLength).map { try valueSerde.read($0) }
        let new = try reader.sizedBytes().map { try valueSerde.read($0) }
        return Entry(
            key: try keySerde.read(key), dueTime: try reader.number(), prior: prior, change: Change(new: new, old: old), origin: origin)
    }

    /// Counts what Kafka Streams does for an entry: due time, key, origin and values, the old one only where it differs from the prior.
    @inlinable
    func countBytes(of slot: Int, keyLength: Int) throws {
        scratch.removeAll()
        try write(slot)
        let length = scratch.count
        scratch.removeAll()
        entries[slot].origin.write(to: scratch)
        // Behind the origin lie three lengths and the due time besides the values.
        let values = length - scratch.count - 12 - 8
        let count = 8 + keyLength + entries[slot].origin.byteCount + values
        bufferedBytes += count - entries[slot].byteCount
        entries[slot].byteCount = count
    }

    /// Refuses a change that could not be counted once it waits.
    @inlinable
    func checkIsWritable(_ change: Change<Value>) throws {
        scratch.removeAll()
        _ = try sized(change.old, in: scratch)
        _ = try sized(change.new, in: scratch)
    }

    /// Lets go of a row that waits.
    @inlinable
    func forget(_ slot: Int) {
        guard entries[slot].waits else { return }
        bufferedBytes -= entries[slot].byteCount
        count -= 1
        entries[slot].waits = false
        // The slot stays until the commit; what it held need not.
        entries[slot].prior = nil
        entries[slot].change = Change(new: nil, old: nil)
    }

    @inlinable
    func place(_ entry: Entry, _ slot: Int) {
        if slot < entries.count {
            entries[slot] = entry
        } else {
            entries.append(entry)
            isDirty.append(false)
        }
    }

    @inlinable
    func markDirty(_ slot: Int) {
        guard !isDirty[slot] else { return }
        isDirty[slot] = true
        dirtySlots.append(slot)
    }

    @inlinable
    func bytes(of key: Key) throws -> UnsafeRawBufferPointer {
        keyBuffer.removeAll()
        _ = try keySerde.write(key, to: keyBuffer)
        return keyBuffer.bytes
    }

    @usableFromInline
    func makeQueue() {
        queueIsValid = true
        queue.removeAll()
        for slot in entries.indices where keys.isInUse(slot) && entries[slot].waits { queue.add(slot, dueAt: entries[slot].dueTime) }
    }
}

/// What the changelog of a suppression is written in.
@usableFromInline
enum SuppressionFormat {
    static let version: UInt8 = 3
    @usableFromInline static let headers: Headers = [Header("v", [version])]
    /// A length that says: the old value is the same as the prior one.
    @inlinable static var sameAsPrior: Int32 { -2 }

    @usableFromInline
    static func areSame(_ left: Slice<UnsafeRawBufferPointer>, _ right: Slice<UnsafeRawBufferPointer>) -> Bool {
        let (left, right) = (UnsafeRawBufferPointer(rebasing: left), UnsafeRawBufferPointer(rebasing: right))
        return left.count == right.count && !KeyTable.precedes(left, right) && !KeyTable.precedes(right, left)
    }
}
