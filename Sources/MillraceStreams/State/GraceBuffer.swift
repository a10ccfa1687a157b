import MillraceCore
import MillracePlan

/// The records that a join of a stream with a table holds back, ordered by time, then key, then arrival.
///
/// A row's key is a zero byte, the record's timestamp, its key and a number that tells equal ones apart. Kafka: `RocksDBTimeOrderedKeyValueBuffer`.
@usableFromInline
final class GraceBuffer<Key, Value>: StateStore {
    @usableFromInline let name: String
    @usableFromInline let grace: Int64
    @usableFromInline let keySerde: Serde<Key>
    @usableFromInline let valueSerde: Serde<Value>
    @usableFromInline let overlay: Overlay<HeldRecord<Value>>
    @usableFromInline let task: TaskContext
    @usableFromInline let key = ByteBuffer()
    /// The highest timestamp put so far.
    @usableFromInline let observed: ObservedTime
    /// Whether the rows were looked at, which tell it where it was not noted.
    @exclusivity(unchecked) @usableFromInline var knowsRows = false
    @exclusivity(unchecked) @usableFromInline var sequence: Int32 = 0

    @inlinable static var timeOffset: Int { 1 }
    @inlinable static var keyOffset: Int { 9 }
    @inlinable static var sequenceSize: Int { 4 }

    @inlinable
    init(name: String, grace: Int64, key: Serde<Key>, value: Serde<Value>, backing: Backing?, task: TaskContext) {
        self.name = name
        self.grace = grace
        keySerde = key
        valueSerde = value
        overlay = Overlay(serde: HeldRecordFormat(value: value).serde, backing: backing)
        self.task = task
        observed = task.observedTime(of: name)
    }

    /// Holds a record back.
    ///
    /// - Returns: `false` when its grace period is over already.
    @inlinable
    func put(_ record: Record<Key, Value>) throws -> Bool {
        let streamTime = try currentStreamTime()
        guard record.timestamp >= streamTime.advanced(byMilliseconds: -grace) else { return false }
        observed.advance(to: record.timestamp.milliseconds)
        key.removeAll()
        key.append(0)
        key.append(bigEndian: record.timestamp.milliseconds)
        _ = try keySerde.write(record.key, to: key)
        let length = key.count
        // The numbers start again with the task, so one may be taken by a record of before.
        repeat {
            sequence = (sequence &+ 1) & .max
            key.truncate(to: length)
            key.append(bigEndian: sequence)
        } while try overlay.get(key.bytes) != nil
        let held = HeldRecord(
            value: record.value, timestamp: record.timestamp, headers: record.headers, metadata: task.recordMetadata ?? task.noMetadata)
        overlay.put(key.bytes, held, record.timestamp)
        return true
    }

    /// Lets time go on without a record.
    @inlinable
    func passTime(to time: Timestamp) throws {
        _ = try currentStreamTime()
        observed.advance(to: time.milliseconds)
    }

    /// Gives out and forgets the records whose grace period is over, each as if it was being processed.
    @inlinable
    func release(_ body: (Record<Key, Value>) throws -> Void) throws {
        let limit = try currentStreamTime().advanced(byMilliseconds: -grace)
        guard limit.milliseconds >= 0 else { return }
        key.removeAll()
        key.append(0)
        key.append(bigEndian: limit.milliseconds &+ 1)
        let sendsLetters = task.sendsLetters
        try overlay.forEach(from: UnsafeRawBufferPointer(start: nil, count: 0), to: key.bytes) { bytes, row in
            guard let held = row.value else { return true }
            overlay.put(bytes, nil, row.timestamp)
            let record = Record(key: try key(of: bytes), value: held.value, timestamp: held.timestamp, headers: held.headers)
            let origin = RecordOrigin(held.timestamp, held.headers, held.metadata)
            try task.resuming(origin, sendsLetters ? try keep(held, keyBytes(of: bytes)) : nil) { try body(record) }
            return true
        }
    }

    /// What a dead letter is made of when the record fails now: its bytes are written once more.
    @usableFromInline
    func keep(_ held: HeldRecord<Value>, _ key: UnsafeRawBufferPointer) throws -> KeptRecord {
        KeptRecord(
            key: Array(key), value: try valueSerde.bytes(of: held.value), timestamp: held.timestamp, offset: held.metadata.offset,
            headers: held.headers)
    }

    @inlinable
    func key(of bytes: UnsafeRawBufferPointer) throws -> Key { try keySerde.read(keyBytes(of: bytes)) }

    @inlinable
    func keyBytes(of bytes: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer {
        guard bytes.count >= Self.keyOffset + Self.sequenceSize else {
            throw tooShort(bytes.count)
        }
        return UnsafeRawBufferPointer(rebasing: bytes[Self.keyOffset..<bytes.count - Self.sequenceSize])
    }

    @inlinable
    func currentStreamTime() throws -> Timestamp {
        if knowsRows { return Timestamp(milliseconds: observed.value) }
        knowsRows = true
        try overlay.forEach(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil, reversed: true) { bytes, _ in
            if bytes.count >= Self.keyOffset { observed.advance(to: bytes.loadBigEndian(at: Self.timeOffset)) }
            return false
        }
        return Timestamp(milliseconds: observed.value)
    }

    @usableFromInline
    func tooShort(_ count: Int) -> MillraceError {
        MillraceError(.corruption, "A key of store \(name) is \(count) bytes long, too short to hold a time and a number.")
    }

    @usableFromInline var byteCount: Int { overlay.byteCount }
    @usableFromInline var hasUncommittedRows: Bool { overlay.hasUncommittedRows }

    @usableFromInline
    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        // The changelog's records have the time of writing, since the rows carry their own.
        let now = task.now
        try overlay.commit(batch: batch) { key, value, _, _ in try changelog(key, value, now, Headers()) }
    }

    @usableFromInline
    func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        try overlay.restore(key, value, timestamp, batch: batch)
    }

    @usableFromInline
    func trim(to limit: Int) {
        overlay.trim(to: limit)
    }
}

extension RecordOrigin {
    /// Of a record that was held back.
    @usableFromInline
    init(_ timestamp: Timestamp, _ headers: Headers, _ metadata: RecordMetadata) {
        self.init(
            timestamp: timestamp.milliseconds, offset: metadata.offset.value, topic: metadata.topic.isEmpty ? nil : metadata.topic,
            partition: metadata.partition, headers: headers)
    }
}

extension TaskContext {
    /// Whether records that fail or are left out go to dead-letter topics.
    @usableFromInline var sendsLetters: Bool { !failures.deadLetterTopics.isEmpty }

    /// What stands for the place of a record that was read from none.
    @usableFromInline var noMetadata: RecordMetadata { RecordMetadata(topic: "", partition: id.partition, offset: -1) }
}

extension StoreDeclaration {
    /// The store of records that a join holds back for `grace` milliseconds. Always on disk, as in Kafka Streams.
    @inlinable
    static func graceBuffer<Key, Value>(_ name: String, grace: Int64, key: Serde<Key>, value: Serde<Value>) -> StoreDeclaration {
        StoreDeclaration(
            name, changelogSettings: Materialized(name).changelogSettings(beside: ["cleanup.policy": "compact"]),
            payload: StorePayload(isPersistent: true) { site in
                GraceBuffer(name: site.name, grace: grace, key: key, value: value, backing: site.backing, task: site.task)
            })
    }
}
