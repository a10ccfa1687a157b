import MillraceCore

/// The changes that a suppression holds back, at most one for each key, in memory and in a changelog.
///
/// A further change of a row takes the place of the one that waits, and its place in time. Which is due next is known from a heap, so no operation looks at more than a path of it.
///
/// Kafka: `InMemoryTimeOrderedKeyValueChangeBuffer`.
final class SuppressionStore<Key, Value>: StateStore {
    /// What waits of a row.
    private struct Entry {
        var dueTime: Int64
        /// The row's value before the first change that waits.
        var prior: Value?
        var change: Change<Value>
        var origin: RecordOrigin
        /// What the entry counts in a buffer that is bounded by bytes.
        var byteCount = 0
    }

    let name: String
    private let keySerde: Serde<Key>
    private let valueSerde: Serde<Value>
    private let countsBytes: Bool
    private let task: TaskContext
    private let keys = KeyTable()
    /// By slot; `nil` for a row that has left since the last commit.
    private var entries: ContiguousArray<Entry?> = []
    /// Slots whose changes are not in the changelog yet.
    private var dirtySlots: ContiguousArray<Int> = []
    private var isDirty: ContiguousArray<Bool> = []
    private var queue = ContiguousArray<Int>()
    /// After rows were restored, the queue is made anew when it is needed.
    private var queueIsValid = true
    /// The number of rows that wait.
    private(set) var count = 0
    /// Their size by Kafka's estimate; counted only where it is bounded.
    private(set) var bufferedBytes = 0
    private let keyBuffer = ByteBuffer()
    private let scratch = ByteBuffer()
    private let oldScratch = ByteBuffer()

    init(name: String, key: Serde<Key>, value: Serde<Value>, countsBytes: Bool, task: TaskContext) {
        self.name = name
        keySerde = key
        valueSerde = value
        self.countsBytes = countsBytes
        self.task = task
    }

    /// Takes a change in; it takes the place of one of the same row.
    func put(_ record: Record<Key, Change<Value>>, dueTime: Int64) throws {
        makeQueue()
        let (slot, isNew) = keys.insert(try bytes(of: record.key))
        if isNew { place(nil, slot) }
        let origin = RecordOrigin(
            timestamp: record.timestamp.milliseconds, offset: task.sourceOffset.value, topic: task.sourceTopic,
            partition: task.id.partition, headers: record.headers)
        let old = entries[slot]
        var entry = Entry(
            dueTime: old?.dueTime ?? dueTime, prior: old == nil ? record.value.old : old?.prior, change: record.value, origin: origin)
        if countsBytes {
            entry.byteCount = try byteCount(of: entry, keyLength: keyBuffer.count)
            bufferedBytes += entry.byteCount - (old?.byteCount ?? 0)
        }
        entries[slot] = entry
        markDirty(slot)
        if old == nil {
            count += 1
            queue.append(slot)
            siftUp(queue.count - 1)
        }
    }

    /// The time at which the first row is due; `nil` when none waits.
    var firstTime: Int64? {
        makeQueue()
        return queue.first.flatMap { entries[$0]?.dueTime }
    }

    /// The row that is due first.
    func first() throws -> (key: Key, change: Change<Value>, origin: RecordOrigin)? {
        makeQueue()
        guard let slot = queue.first, let entry = entries[slot] else { return nil }
        return (try keySerde.read(keys.key(of: slot)), entry.change, entry.origin)
    }

    /// Removes the row that is due first.
    func removeFirst() {
        guard let slot = queue.first else { return }
        queue.swapAt(0, queue.count - 1)
        queue.removeLast()
        siftDown(0)
        bufferedBytes -= entries[slot]?.byteCount ?? 0
        entries[slot] = nil
        count -= 1
        markDirty(slot)
    }

    /// The slot of a row that waits.
    func slot(of key: Key) throws -> Int? {
        let slot = keys.find(try bytes(of: key))
        return slot >= 0 && entries[slot] != nil ? slot : nil
    }

    /// What a row was before the changes that wait.
    func priorValue(_ slot: Int) -> Value? {
        entries[slot]?.prior
    }

    var byteCount: Int { keys.byteCount + entries.count * (MemoryLayout<Entry>.stride + 32) }
    var hasUncommittedRows: Bool { !dirtySlots.isEmpty }

    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        for slot in dirtySlots {
            isDirty[slot] = false
            let key = keys.key(of: slot)
            if let entry = entries[slot] {
                scratch.removeAll()
                try write(entry)
                try changelog(key, scratch.bytes, task.now, SuppressionFormat.headers)
            } else {
                try changelog(key, nil, task.now, Headers())
                keys.remove(slot)
            }
        }
        dirtySlots.removeAll(keepingCapacity: true)
    }

    func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        queueIsValid = false
        let (slot, isNew) = keys.insert(key)
        if isNew { place(nil, slot) }
        if let old = entries[slot] {
            count -= 1
            bufferedBytes -= old.byteCount
        }
        guard let value else {
            entries[slot] = nil
            return keys.remove(slot)
        }
        guard headers.last(named: "v")?.value == [SuppressionFormat.version] else {
            throw MillraceError(
                .corruption,
                "A row in the changelog of \(name) is not in version \(SuppressionFormat.version) of the format, which Kafka Streams writes since 2.4.2."
            )
        }
        var entry = try read(value)
        if countsBytes {
            entry.byteCount = try byteCount(of: entry, keyLength: key.count)
            bufferedBytes += entry.byteCount
        }
        entries[slot] = entry
        count += 1
    }

    /// Nothing can be read again: there is no disk below.
    func trim(to limit: Int) {}

    /// Origin, prior value, old value (length -2: the same as prior), new value, due time.
    private func write(_ entry: Entry) throws {
        entry.origin.write(to: scratch)
        let prior = try sized(entry.prior, in: scratch)
        let priorRange = (scratch.count - (prior ?? 0))..<scratch.count
        oldScratch.removeAll()
        let old = try sized(entry.change.old, in: oldScratch)
        if let old, prior == old,
            zip(scratch.bytes[priorRange], oldScratch.bytes[4...]).allSatisfy({ $0 == $1 })
        {
            scratch.append(bigEndian: SuppressionFormat.sameAsPrior)
        } else {
            scratch.append(oldScratch.bytes)
        }
        _ = try sized(entry.change.new, in: scratch)
        scratch.append(bigEndian: entry.dueTime)
    }

    /// Writes a value with its length before it, -1 for none.
    ///
    /// - Returns: The length; `nil` for none.
    private func sized(_ value: Value?, in buffer: ByteBuffer) throws -> Int? {
        let start = buffer.count
        buffer.append(bigEndian: Int32(-1))
        guard let value, try valueSerde.write(value, to: buffer) else { return nil }
        let length = buffer.count - start - 4
        buffer.mutableBytes.storeBytes(of: Int32(length).bigEndian, toByteOffset: start, as: Int32.self)
        return length
    }

    private func read(_ bytes: UnsafeRawBufferPointer) throws -> Entry {
        var reader = RecordOriginReader(bytes)
        let origin = try reader.origin()
        let prior = try reader.sizedBytes().map { try valueSerde.read($0) }
        let oldLength: Int32 = try reader.number()
        let old = oldLength == SuppressionFormat.sameAsPrior ? prior : try reader.bytes(length: oldLength).map { try valueSerde.read($0) }
        let new = try reader.sizedBytes().map { try valueSerde.read($0) }
        return Entry(dueTime: try reader.number(), prior: prior, change: Change(new: new, old: old), origin: origin)
    }

    /// What Kafka Streams counts for an entry: due time, key, origin and values, the old one only where it differs from the prior.
    private func byteCount(of entry: Entry, keyLength: Int) throws -> Int {
        scratch.removeAll()
        try write(entry)
        let originLength = scratch.count
        scratch.removeAll()
        entry.origin.write(to: scratch)
        // Behind the origin lie three lengths and the due time besides the values.
        let values = originLength - scratch.count - 12 - 8
        return 8 + keyLength + entry.origin.byteCount + values
    }

    private func place(_ entry: Entry?, _ slot: Int) {
        if slot < entries.count {
            entries[slot] = entry
        } else {
            entries.append(entry)
            isDirty.append(false)
        }
    }

    private func markDirty(_ slot: Int) {
        guard !isDirty[slot] else { return }
        isDirty[slot] = true
        dirtySlots.append(slot)
    }

    private func bytes(of key: Key) throws -> UnsafeRawBufferPointer {
        keyBuffer.removeAll()
        _ = try keySerde.write(key, to: keyBuffer)
        return keyBuffer.bytes
    }

    // The queue is a binary heap of slots, ordered by due time, then by the key's bytes.

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let leftTime = entries[left]?.dueTime ?? .max
        let rightTime = entries[right]?.dueTime ?? .max
        if leftTime != rightTime { return leftTime < rightTime }
        return KeyTable.precedes(keys.key(of: left), keys.key(of: right))
    }

    private func siftUp(_ index: Int) {
        var index = index
        while index > 0 {
            let parent = (index - 1) / 2
            guard precedes(queue[index], queue[parent]) else { return }
            queue.swapAt(index, parent)
            index = parent
        }
    }

    private func siftDown(_ index: Int) {
        var index = index
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < queue.count && precedes(queue[child], queue[smallest]) {
                smallest = child
            }
            guard smallest != index else { return }
            queue.swapAt(index, smallest)
            index = smallest
        }
    }

    private func makeQueue() {
        guard !queueIsValid else { return }
        queueIsValid = true
        queue = ContiguousArray(entries.indices.filter { entries[$0] != nil })
        for index in (0..<(queue.count / 2)).reversed() { siftDown(index) }
    }
}

/// What the changelog of a suppression is written in.
private enum SuppressionFormat {
    static let version: UInt8 = 3
    static let headers: Headers = [Header("v", [version])]
    /// A length that says: the old value is the same as the prior one.
    static let sameAsPrior: Int32 = -2
}
