import MillraceCore

/// A store of one value for each key, ordered by the keys' bytes.
///
/// A processor gets one by the name it was connected with. What it writes is on disk and in the changelog at the next commit of the task, together with the task's outputs
/// and offsets, or not at all. A store belongs to one task: it holds the keys of one partition, and only that task's thread may use it.
///
/// Kafka: `KeyValueStore`, and `TimestampedKeyValueStore` for tables.
public final class KeyValueStore<Key, Value>: StateStore {
    /// The name, which is part of the changelog's.
    public let name: String
    @usableFromInline let overlay: Overlay<Value>
    @usableFromInline let keySerde: Serde<Key>
    @usableFromInline let keyBuffer = ByteBuffer()
    @usableFromInline let task: TaskContext
    /// How long rows live; `nil`: for good.
    @usableFromInline let lifetime: TimeToLive?
    /// Told of rows whose time to live is over, as they are removed: key, row, and the time at which it ended.
    var onExpiry: ((Key, Row<Value>, Timestamp) throws -> Void)?

    @inlinable
    init(name: String, key: Serde<Key>, overlay: Overlay<Value>, lifetime: TimeToLive? = nil, task: TaskContext) {
        self.name = name
        self.overlay = overlay
        self.lifetime = lifetime
        self.task = task
        keySerde = key
        if lifetime != nil { startSweeping() }
    }

    /// The value of `key`, `nil` when there is none.
    @inlinable
    public func get(_ key: Key) throws -> Value? {
        try row(key)?.value
    }

    /// The value of `key` and its time.
    @inlinable
    func row(_ key: Key) throws -> Row<Value>? {
        let row = try overlay.get(bytes(of: key))
        return lifetime == nil ? row : alive(row)
    }

    /// Sets the value of `key`, noted with the time of the record at hand; `nil` removes it.
    @inlinable
    public func put(_ key: Key, _ value: Value?) throws {
        try put(key, value, task.timestamp)
    }

    @inlinable
    func put(_ key: Key, _ value: Value?, _ timestamp: Timestamp) throws {
        let bytes = try bytes(of: key)
        if lifetime == nil { overlay.put(bytes, value, timestamp) } else { try putMortal(bytes, value, timestamp) }
    }

    /// Sets the value of `key` unless it has one.
    ///
    /// - Returns: The value that is there already, `nil` when there was none and `value` was set.
    @inlinable @discardableResult
    public func putIfAbsent(_ key: Key, _ value: Value) throws -> Value? {
        if let present = try get(key) { return present }
        try put(key, value)
        return nil
    }

    /// Removes `key`.
    ///
    /// - Returns: The value it had.
    @inlinable @discardableResult
    public func delete(_ key: Key) throws -> Value? {
        let old = try get(key)
        try put(key, nil)
        return old
    }

    /// Calls `body` for each key and value, ordered by the keys' bytes, until it returns `false`. It may change the store.
    ///
    /// - Parameters:
    ///   - range: Keys to visit, by their bytes, both ends included; all when `nil`.
    ///   - reversed: From the last key to the first.
    public func forEach(in range: ClosedKeyRange<Key>? = nil, reversed: Bool = false, _ body: (Key, Value) throws -> Bool) throws {
        try forEachRow(in: range, reversed: reversed) { key, row in
            guard let value = row.value else { return true }
            return try body(key, value)
        }
    }

    /// All keys and values, ordered by the keys' bytes, as an array: for small stores and tests.
    public func all() throws -> [(key: Key, value: Value)] {
        var entries: [(key: Key, value: Value)] = []
        try forEach { key, value in
            entries.append((key, value))
            return true
        }
        return entries
    }

    package func forEachRow(in range: ClosedKeyRange<Key>? = nil, reversed: Bool = false, _ body: (Key, Row<Value>) throws -> Bool) throws {
        let lower = try range.map { Array(try bytes(of: $0.lower)) } ?? []
        // The first key behind `upper` is `upper` and a zero byte.
        let upper = try range.map { Array(try bytes(of: $0.upper)) + [0] }
        let serde = keySerde
        func visit(_ lower: UnsafeRawBufferPointer, _ upper: UnsafeRawBufferPointer?) throws {
            try overlay.forEach(from: lower, to: upper, reversed: reversed) { key, row in
                guard alive(row) != nil else { return true }
                return try body(serde.read(key), row)
            }
        }
        try lower.withUnsafeBytes { lower in
            guard let upper else { return try visit(lower, nil) }
            try upper.withUnsafeBytes { try visit(lower, $0) }
        }
    }

    public var byteCount: Int { overlay.byteCount + (lifetime?.byteCount ?? 0) }
    /// Whether anything was written since the last commit.
    public var hasUncommittedRows: Bool { overlay.hasUncommittedRows }
    public var canSaveLater: Bool { true }
    // The times to live have rows of their own, which must get there together with the others.
    public var savesSorted: Bool { lifetime == nil }
    public var unsavedBytes: Int { overlay.unsavedBytes }

    public func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try overlay.commit(batch: batch, changelog)
        try lifetime?.commit(batch: batch)
    }

    public func save(to entries: any SortedEntries, _ batch: any ByteStoreBatch) throws {
        try overlay.save(to: entries)
    }

    public func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        try overlay.restore(key, value, timestamp, batch: batch)
        if value != nil { try lifetime?.restore(key, timestamp, batch: batch) }
    }

    public func trim(to limit: Int) {
        guard let lifetime else { return overlay.trim(to: limit) }
        overlay.trim(to: limit / 2)
        lifetime.trim(to: limit / 2)
    }

    /// The key's bytes, valid until the next call.
    @inlinable
    func bytes(of key: Key) throws -> UnsafeRawBufferPointer {
        keyBuffer.removeAll()
        _ = try keySerde.write(key, to: keyBuffer)
        return keyBuffer.bytes
    }
}

extension KeyValueStore: VerbatimStore {
    var verbatimPrefix: [UInt8]? {
        guard lifetime == nil, let backing = overlay.backing else { return nil }
        overlay.mayMissRows = true
        return backing.prefix
    }
}

/// Keys from `lower` to `upper`, both included, in the order of their bytes (which need not be the order of the type).
public struct ClosedKeyRange<Key> {
    /// The first key.
    public var lower: Key
    /// The last key.
    public var upper: Key

    /// The keys from `lower` to `upper`; none when `upper`'s bytes come first.
    public init(_ lower: Key, _ upper: Key) {
        self.lower = lower
        self.upper = upper
    }
}
