import MillraceCore

/// A store that keeps, beside the value of each key, the values it had in the past: it can be asked for the value as of a time, and takes values that come out of order.
///
/// A value is valid from its time on until the time of the next one. The latest value of a key is kept for good; past ones are kept for the history retention, counted back from
/// the highest time that was put. A put that is older than that is refused, since what came after it is no longer known; the changelog gets it all the same, as in Kafka Streams.
///
/// On disk the latest values lie under the store's prefix and a zero byte, the past ones under the prefix and a one, by segments of time.
///
/// Kafka: `VersionedKeyValueStore`.
public final class VersionedStore<Key, Value>: StateStore {
    /// The name, which is part of the changelog's.
    public let name: String
    @usableFromInline package let keySerde: Serde<Key>
    @usableFromInline let valueSerde: Serde<Value>
    @usableFromInline let latest: Overlay<Value>
    @usableFromInline let history: VersionHistory<Value>
    @usableFromInline let retention: Int64
    @usableFromInline let puts = PendingPuts()
    @usableFromInline let keyBuffer = ByteBuffer()
    @usableFromInline let valueBuffer = ByteBuffer()
    /// What a restore leaves in memory before it reads from disk again.
    private static var restoreLimit: Int { 8 << 20 }

    /// - Parameter retention: In milliseconds.
    @inlinable
    init(name: String, key: Serde<Key>, value: Serde<Value>, retention: Int64, backing: Backing?) throws {
        self.name = name
        keySerde = key
        valueSerde = value
        self.retention = retention
        latest = Overlay(serde: value, backing: backing.map { Backing(store: $0.store, prefix: $0.prefix + [0]) })
        history = try VersionHistory(
            value, retention: retention, backing: backing.map { Backing(store: $0.store, prefix: $0.prefix + [1]) })
    }

    /// The latest value of `key`; `nil` when there is none, or it was deleted.
    @inlinable
    public func get(_ key: Key) throws -> VersionedRecord<Value>? {
        try row(key).flatMap { row in row.value.map { VersionedRecord(value: $0, timestamp: row.timestamp, validTo: nil) } }
    }

    /// The value that `key` had at a time; `nil` when it had none, or when the time is longer ago than the history that is kept.
    @inlinable
    public func get(_ key: Key, asOf time: Timestamp) throws -> VersionedRecord<Value>? {
        let bytes = try bytes(of: key)
        if let row = try latest.get(bytes), let value = row.value, row.timestamp <= time {
            return VersionedRecord(value: value, timestamp: row.timestamp, validTo: nil)
        }
        guard !isExpired(time), let past = try history.firstVersion(of: bytes, endingAfter: time.milliseconds),
            past.start <= time.milliseconds, let value = past.value
        else { return nil }
        return VersionedRecord(value: value, timestamp: Timestamp(milliseconds: past.start), validTo: Timestamp(milliseconds: past.end))
    }

    /// Sets the value of `key` from a time on, until that of the next value it has; `nil` says that it had none from then on.
    ///
    /// A second put of the same time replaces the first.
    @inlinable @discardableResult
    public func put(_ key: Key, _ value: Value?, at time: Timestamp) throws -> VersionedPut {
        let keyBytes = try bytes(of: key)
        valueBuffer.removeAll()
        let hasBytes = try value.map { try valueSerde.write($0, to: valueBuffer) } ?? false
        puts.append(key: keyBytes, value: hasBytes ? valueBuffer.bytes : nil, time)
        return try put(keyBytes, value, time)
    }

    /// Says that `key` has no value from a time on.
    ///
    /// - Returns: The value that it had at this time.
    @discardableResult
    public func delete(_ key: Key, at time: Timestamp) throws -> VersionedRecord<Value>? {
        let old = isExpired(time) ? nil : try get(key, asOf: time)
        try put(key, nil, at: time)
        return old
    }

    /// Calls `body` for the latest value of each key, ordered by the keys' bytes, until it returns `false`.
    public func forEach(_ body: (Key, VersionedRecord<Value>) throws -> Bool) throws {
        let serde = keySerde
        try latest.forEach(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil) { key, row in
            guard let value = row.value else { return true }
            return try body(serde.read(key), VersionedRecord(value: value, timestamp: row.timestamp, validTo: nil))
        }
    }

    public var byteCount: Int { latest.byteCount + history.byteCount + puts.byteCount }
    /// Whether anything was written since the last commit.
    public var hasUncommittedRows: Bool { !puts.isEmpty || latest.hasUncommittedRows || history.hasUncommittedRows }
    public var canSaveLater: Bool { true }
    public var unsavedBytes: Int { latest.unsavedBytes + history.unsavedBytes }

    /// The changelog gets every put in the order of arrival, not only the last of a key: each may be a version of its own.
    public func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try puts.drain(to: changelog)
        try commitRows(to: batch)
    }

    public func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        _ = try put(key, value.map { try valueSerde.read($0) }, timestamp)
    }

    public func finishRestoring(batch: (any ByteStoreBatch)?) throws {
        try commitRows(to: batch)
        trim(to: Self.restoreLimit)
    }

    public func trim(to limit: Int) {
        latest.trim(to: limit / 2)
        history.trim(to: limit / 2)
    }

    /// The current row of a key, as tables need it.
    @inlinable
    func row(_ key: Key) throws -> Row<Value>? {
        try latest.get(bytes(of: key))
    }

    @inlinable
    func isExpired(_ time: Timestamp) -> Bool {
        time.milliseconds < history.time - retention
    }

    @inlinable
    func put(_ key: UnsafeRawBufferPointer, _ value: Value?, _ time: Timestamp) throws -> VersionedPut {
        guard !isExpired(time) else { return .refused }
        history.observe(time.milliseconds)
        let slot = try latest.slot(of: key)
        let row = latest.row(slot)
        if let current = row.value, time >= row.timestamp {
            // Where times are equal the value is replaced and leaves no trace, not even if it is deleted: so does Kafka Streams.
            if time > row.timestamp {
                history.add(Version(start: row.timestamp.milliseconds, end: time.milliseconds, value: current), to: key)
            }
            latest.write(value, time, slot: slot)
            return .latest
        }
        if let end = try history.insert(value, at: time.milliseconds, before: row.value == nil ? nil : row.timestamp.milliseconds, to: key)
        {
            return .superseded(at: Timestamp(milliseconds: end))
        }
        if let value { latest.write(value, time, slot: slot) } else { try history.markEnd(at: time.milliseconds, of: key) }
        return .latest
    }

    private func commitRows(to batch: (any ByteStoreBatch)?) throws {
        try latest.commit(batch: batch) { _, _, _, _ in }
        try history.commit(to: batch)
    }

    @inlinable
    func bytes(of key: Key) throws -> UnsafeRawBufferPointer {
        keyBuffer.removeAll()
        _ = try keySerde.write(key, to: keyBuffer)
        return keyBuffer.bytes
    }
}

/// A value of a versioned store, and when it is valid.
public struct VersionedRecord<Value> {
    /// The value.
    public let value: Value
    /// The time from which on it is valid.
    public let timestamp: Timestamp
    /// The time from which on it is no longer valid; `nil` for the latest value.
    public let validTo: Timestamp?

    /// A value and the time in which it holds.
    @inlinable
    public init(value: Value, timestamp: Timestamp, validTo: Timestamp?) {
        self.value = value
        self.timestamp = timestamp
        self.validTo = validTo
    }
}

extension VersionedRecord: Sendable where Value: Sendable {}
extension VersionedRecord: Equatable where Value: Equatable {}

/// What a put into a versioned store did.
public enum VersionedPut: Hashable, Sendable {
    /// The value is the latest one of its key.
    case latest
    /// The value came out of order: it is valid until this time, at which the next one, known already, begins.
    case superseded(at: Timestamp)
    /// The value is older than the history that the store keeps, and was not put.
    case refused
}
