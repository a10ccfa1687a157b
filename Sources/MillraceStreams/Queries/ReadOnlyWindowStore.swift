import MillraceCore

/// Reads a store of windows from outside of the app's threads; see `StreamsApp.store`.
///
/// Windows that the store has forgotten, by its retention, are not there. Kafka: `ReadOnlyWindowStore`.
public struct ReadOnlyWindowStore<Key: Sendable, Value: Sendable>: Sendable {
    typealias Store = WindowStore<Key, Value>
    let place: StorePlace
    let key: Serde<Key>
    let value: Serde<Value>
    let placement: KeyPlacement<Key>

    /// The value of a key in the window that starts at `start`; `nil` when there is none.
    public func fetch(_ key: Key, at start: Timestamp) async throws -> Value? {
        try await place.find(key, self.key, placement, as: Store.self) { try $0.fetch(key, at: start) }
    }

    /// The windows of a key that start in `starts`, by their start. Kafka: `fetch(key, from, to)`.
    ///
    /// - Parameters:
    ///   - reversed: The youngest first. Kafka: `backwardFetch`.
    ///   - limit: How many at most.
    public func fetch(
        _ key: Key, in starts: ClosedRange<Timestamp> = .allTimes, reversed: Bool = false, limit: Int = 1000
    ) async throws -> [StoredRow<Windowed<Key>, Value>] {
        try await place.find(key, self.key, placement, as: Store.self) { store in
            let rows = try store.fetchRows(key, in: starts.milliseconds, reversed: reversed, limit: limit)
            return rows.isEmpty ? nil : rows
        } ?? []
    }

    /// The windows, of all keys or of the keys from one to another, that start in `starts`. Kafka: `fetchAll`, `all`, `fetch(keyFrom, keyTo, from, to)`.
    ///
    /// Older rows come before much younger ones; in between, in what is one segment of the store, they are ordered by the bytes of the key and then by start.
    ///
    /// - Parameters:
    ///   - lower: The first key by its bytes; from the beginning when left out.
    ///   - upper: The last key; to the end when left out.
    ///   - reversed: From the last to the first. Kafka: `backwardFetchAll`, `backwardAll`.
    ///   - limit: How many at most. What many rows cost is told at `ReadOnlyKeyValueStore.range`.
    public func fetchAll(
        in starts: ClosedRange<Timestamp> = .allTimes, from lower: Key? = nil, to upper: Key? = nil, reversed: Bool = false,
        limit: Int = 1000
    ) async throws -> [StoredRow<Windowed<Key>, Value>] {
        guard limit > 0 else { return [] }
        let range = try TimedRange(starts, lower, upper, key)
        let request = PageRequest(reversed: reversed, limit: limit)
        let pages = try await place.ask(place.tasks(), as: Store.self) { try $0.page(request, range) }
        return StorePage.merged(pages, reversed: reversed, limit: limit)
    }

    /// As `fetchAll`, read in small steps as they are asked for; see `ReadOnlyKeyValueStore.rows`.
    public func rows(
        in starts: ClosedRange<Timestamp> = .allTimes, from lower: Key? = nil, to upper: Key? = nil, reversed: Bool = false
    ) throws -> StoredRows<StoredRow<Windowed<Key>, Value>> {
        StoredRows(place, Store.reader(try TimedRange(starts, lower, upper, key))) { PageRequest(reversed: reversed, limit: 1) }
    }

    /// Roughly how many windows there are, forgotten ones included that are not yet deleted; see `ReadOnlyKeyValueStore.approximateCount`.
    public func approximateCount() async throws -> Int {
        try await place.ask(place.tasks(), as: Store.self) { try $0.rows.approximateCount() }.reduce(0, +)
    }
}

extension ClosedRange<Timestamp> {
    /// From 0 to the end of time.
    public static var allTimes: ClosedRange<Timestamp> { 0...Timestamp(milliseconds: .max) }

    var milliseconds: ClosedRange<Int64> {
        let lower = Swift.max(0, lowerBound.milliseconds)
        return lower...Swift.max(lower, upperBound.milliseconds)
    }
}

extension TimedRange {
    init<Key>(_ times: ClosedRange<Timestamp>, _ lower: Key?, _ upper: Key?, _ serde: Serde<Key>) throws {
        self.times = times.milliseconds
        firstKey = try lower.flatMap { try serde.bytes(of: $0) }
        lastKey = try upper.flatMap { try serde.bytes(of: $0) }
    }
}
