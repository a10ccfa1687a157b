import MillraceCore

/// Reads a table that keeps its history from outside of the app's threads; see `StreamsApp.store`.
///
/// Kafka: `VersionedKeyQuery` and `MultiVersionedKeyQuery`.
public struct ReadOnlyVersionedStore<Key: Sendable, Value: Sendable>: Sendable {
    typealias Store = VersionedStore<Key, Value>
    let place: StorePlace
    let key: Serde<Key>
    let value: Serde<Value>
    let placement: KeyPlacement<Key>

    /// The latest value of a key; `nil` when it has none.
    public func get(_ key: Key) async throws -> VersionedRecord<Value>? {
        try await place.find(key, self.key, placement, as: Store.self) { try $0.get(key) }
    }

    /// The value that a key had at a time; `nil` when it had none, or when the time is longer ago than the history that is kept.
    public func get(_ key: Key, asOf time: Timestamp) async throws -> VersionedRecord<Value>? {
        try await place.find(key, self.key, placement, as: Store.self) { try $0.get(key, asOf: time) }
    }

    /// The latest values of the keys from one to another, both included, in the order of the keys' bytes; see `ReadOnlyKeyValueStore.range`.
    public func range(from lower: Key? = nil, to upper: Key? = nil, reversed: Bool = false, limit: Int = 1000) async throws -> [StoredRow<
        Key, Value
    >] {
        guard limit > 0 else { return [] }
        let request = try request(lower, upper, reversed: reversed, limit: limit)
        let pages = try await place.ask(place.tasks(), as: Store.self) { try $0.page(request) }
        return StorePage.merged(pages, reversed: reversed, limit: limit)
    }

    /// As `range`, read in small steps as they are asked for; see `ReadOnlyKeyValueStore.rows`.
    public func rows(from lower: Key? = nil, to upper: Key? = nil, reversed: Bool = false) -> StoredRows<StoredRow<Key, Value>> {
        StoredRows(place, Store.reader) { try request(lower, upper, reversed: reversed, limit: 1) }
    }

    private func request(_ lower: Key?, _ upper: Key?, reversed: Bool, limit: Int) throws -> PageRequest {
        PageRequest(
            lower: try lower.flatMap { try key.bytes(of: $0) } ?? [], upper: try upper.flatMap { try key.bytes(of: $0) }.map { $0 + [0] },
            reversed: reversed, limit: limit)
    }
}

extension VersionedStore where Key: Sendable, Value: Sendable {
    /// The latest values for a query, with their keys' bytes for positions.
    func page(_ request: PageRequest) throws -> StorePage<StoredRow<Key, Value>> {
        var page = StorePage<StoredRow<Key, Value>>()
        var visits = 0
        try latest.forEachRow(in: request) { bytes, row in
            let found = try row.value.map { StoredRow(key: try keySerde.read(bytes), value: $0, timestamp: row.timestamp) }
            return page.take(Array(bytes), found, request, &visits)
        }
        return page
    }

    static var reader: PageReader<StoredRow<Key, Value>> {
        { store, request in try store.typed(VersionedStore.self).page(request) }
    }
}
