import MillraceCore

/// Reads a store of one value for each key from outside of the app's threads; see `StreamsApp.store`.
///
/// Each answer is the state of a task at one of its commits. Where several partitions are asked, each is as of its own last commit. Kafka: `ReadOnlyKeyValueStore`.
public struct ReadOnlyKeyValueStore<Key: Sendable, Value: Sendable>: Sendable {
    typealias Store = KeyValueStore<Key, Value>
    let place: StorePlace
    let key: Serde<Key>
    let value: Serde<Value>
    let placement: KeyPlacement<Key>

    /// The value of a key; `nil` when it has none.
    public subscript(key: Key) -> Value? {
        get async throws { try await get(key) }
    }

    /// The value of a key; `nil` when it has none.
    ///
    /// - Throws: `MillraceError` of kind `store` when the app does not run or the key's partition is not here: `isRetriable` says whether it may be later.
    public func get(_ key: Key) async throws -> Value? {
        try await row(key)?.value
    }

    /// The value of a key and its time.
    public func row(_ key: Key) async throws -> StoredRow<Key, Value>? {
        try await place.find(key, self.key, placement, as: Store.self) { store in
            try store.row(key).flatMap { row in row.value.map { StoredRow(key: key, value: $0, timestamp: row.timestamp) } }
        }
    }

    /// The rows of the keys from one to another, both included, in the order of the keys' bytes (which need not be that of their type).
    ///
    /// The rows of a partition are of one moment. Its task does nothing else meanwhile, which for a large limit takes about a microsecond a row; `rows` reads as much in small steps.
    ///
    /// - Parameters:
    ///   - lower: The first key; from the beginning when left out.
    ///   - upper: The last key; to the end when left out.
    ///   - reversed: From the last to the first. Kafka: `reverseRange`, `reverseAll`.
    ///   - limit: How many at most.
    public func range(from lower: Key? = nil, to upper: Key? = nil, reversed: Bool = false, limit: Int = 1000) async throws -> [StoredRow<
        Key, Value
    >] {
        try await rows(in: request(lower, upper, reversed: reversed, limit: limit))
    }

    /// The rows whose keys' bytes begin with those of `prefix`: for text, the keys that begin with it. Kafka: `prefixScan`.
    public func prefixScan(_ prefix: Key, reversed: Bool = false, limit: Int = 1000) async throws -> [StoredRow<Key, Value>] {
        try await prefixScan(bytes: key.bytes(of: prefix) ?? [], reversed: reversed, limit: limit)
    }

    /// The rows whose keys' bytes begin with `prefix`.
    public func prefixScan(bytes prefix: [UInt8], reversed: Bool = false, limit: Int = 1000) async throws -> [StoredRow<Key, Value>] {
        try await rows(
            in: PageRequest(lower: prefix, upper: BackingCursor.successor(of: prefix), reversed: reversed, limit: limit))
    }

    /// All rows, the first `limit` of them, in the order of the keys' bytes.
    public func all(reversed: Bool = false, limit: Int = 1000) async throws -> [StoredRow<Key, Value>] {
        try await range(reversed: reversed, limit: limit)
    }

    /// The rows of the keys from one to another, read in small steps as they are asked for, so that a walk over a large store never holds up its tasks.
    ///
    ///     for try await row in counts.rows(from: "a") { … }
    ///
    /// Each step is of the commit before it: a row that changes during the walk is met once or not at all, as it was or as it is.
    public func rows(from lower: Key? = nil, to upper: Key? = nil, reversed: Bool = false) -> StoredRows<StoredRow<Key, Value>> {
        let place = place
        return StoredRows(place, Store.reader) { try request(lower, upper, reversed: reversed, limit: 1) }
    }

    /// Roughly how many rows there are: exact for stores in memory and for those of at most 1,000 rows on disk, else a guess that may be off by several times. Kafka: `approximateNumEntries`.
    ///
    /// The guess is the size on disk divided by that of the first 1,000 rows there. It is too low where values are compressed well and right after writing, too high where rows
    /// were overwritten or removed and RocksDB has not cleaned up yet, and either where the first rows are not like the rest.
    public func approximateCount() async throws -> Int {
        try await place.ask(place.tasks(), as: Store.self) { try $0.overlay.approximateCount() }.reduce(0, +)
    }

    private func rows(in request: PageRequest) async throws -> [StoredRow<Key, Value>] {
        guard request.limit > 0 else { return [] }
        let pages = try await place.ask(place.tasks(), as: Store.self) { try $0.page(request) }
        return StorePage.merged(pages, reversed: request.reversed, limit: request.limit)
    }

    private func request(_ lower: Key?, _ upper: Key?, reversed: Bool, limit: Int) throws -> PageRequest {
        PageRequest(
            lower: try lower.flatMap { try key.bytes(of: $0) } ?? [], upper: try upper.flatMap { try key.bytes(of: $0) }.map { $0 + [0] },
            reversed: reversed, limit: limit)
    }
}
