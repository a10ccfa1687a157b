import MillraceCore

/// Reads a store of sessions from outside of the app's threads; see `StreamsApp.store`.
///
/// Sessions that the store has forgotten, by its retention, are not there. Kafka: `ReadOnlySessionStore`.
public struct ReadOnlySessionStore<Key: Sendable, Value: Sendable>: Sendable {
    typealias Store = SessionStore<Key, Value>
    let place: StorePlace
    let key: Serde<Key>
    let value: Serde<Value>
    let placement: KeyPlacement<Key>

    /// The value of one session of a key; `nil` when there is none. Kafka: `fetchSession`.
    public func fetch(_ key: Key, _ session: Window) async throws -> Value? {
        try await place.find(key, self.key, placement, as: Store.self) { try $0.fetch(key, session) }
    }

    /// All sessions of a key, by their end. Kafka: `fetch(key)`.
    public func fetch(_ key: Key) async throws -> [(session: Window, value: Value)] {
        try await findSessions(key)
    }

    /// The sessions of a key that end at `end` or later and start at `start` or earlier, by their end. Kafka: `findSessions`.
    ///
    /// - Parameter reversed: The youngest first. Kafka: `backwardFindSessions`.
    public func findSessions(
        _ key: Key, endingFrom end: Timestamp = 0, startingUntil start: Timestamp = Timestamp(milliseconds: .max), reversed: Bool = false
    ) async throws -> [(session: Window, value: Value)] {
        try await place.find(key, self.key, placement, as: Store.self) { store in
            let found = try store.findSessions(key, endingFrom: end, startingUntil: start)
            return found.isEmpty ? nil : reversed ? found.reversed() : found
        } ?? []
    }

    /// The sessions, of all keys or of the keys from one to another, that end in `ends`, in the order that `ReadOnlyWindowStore.fetchAll` describes, by their end.
    /// Kafka: `fetch(keyFrom, keyTo)`.
    public func fetchAll(
        endingIn ends: ClosedRange<Timestamp> = .allTimes, from lower: Key? = nil, to upper: Key? = nil, reversed: Bool = false,
        limit: Int = 1000
    ) async throws -> [StoredRow<Windowed<Key>, Value>] {
        guard limit > 0 else { return [] }
        let range = try TimedRange(ends, lower, upper, key)
        let request = PageRequest(reversed: reversed, limit: limit)
        let pages = try await place.ask(place.tasks(), as: Store.self) { try $0.page(request, range) }
        return StorePage.merged(pages, reversed: reversed, limit: limit)
    }

    /// As `fetchAll`, read in small steps as they are asked for; see `ReadOnlyKeyValueStore.rows`.
    public func rows(
        endingIn ends: ClosedRange<Timestamp> = .allTimes, from lower: Key? = nil, to upper: Key? = nil, reversed: Bool = false
    ) throws -> StoredRows<StoredRow<Windowed<Key>, Value>> {
        StoredRows(place, Store.reader(try TimedRange(ends, lower, upper, key))) { PageRequest(reversed: reversed, limit: 1) }
    }
}
