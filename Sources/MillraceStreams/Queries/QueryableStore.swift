import MillraceCore
import MillracePlan

/// Which store a query is about, of which kind, with which types: what `StreamsApp.store` takes.
///
/// The types are those of the program; keys and values are read and written by the serdes that the program gave the store. Kafka: `StoreQueryParameters`, `QueryableStoreTypes`.
public struct QueryableStore<Reader>: Sendable {
    let name: String
    /// The reader; `nil` when the store has another kind or other types.
    let reader: @Sendable (StoreSchema, StorePlace) -> Reader?
    /// What was asked for, for messages.
    let description: String

    /// A table, or a store of one value for each key. Kafka: `keyValueStore`, `timestampedKeyValueStore`.
    public static func keyValue<Key, Value>(
        _ name: String, key: Key.Type = Key.self, value: Value.Type = Value.self, placing: KeyPlacement<Key> = .automatic
    ) -> QueryableStore where Reader == ReadOnlyKeyValueStore<Key, Value> {
        QueryableStore(name, .keyValue, key, value) { ReadOnlyKeyValueStore(place: $0, key: $1, value: $2, placement: placing) }
    }

    /// A store of windows. The key is that without the window. Kafka: `windowStore`, `timestampedWindowStore`.
    public static func window<Key, Value>(
        _ name: String, key: Key.Type = Key.self, value: Value.Type = Value.self, placing: KeyPlacement<Key> = .automatic
    ) -> QueryableStore where Reader == ReadOnlyWindowStore<Key, Value> {
        QueryableStore(name, .window, key, value) { ReadOnlyWindowStore(place: $0, key: $1, value: $2, placement: placing) }
    }

    /// A store of sessions. The key is that without the session. Kafka: `sessionStore`.
    public static func session<Key, Value>(
        _ name: String, key: Key.Type = Key.self, value: Value.Type = Value.self, placing: KeyPlacement<Key> = .automatic
    ) -> QueryableStore where Reader == ReadOnlySessionStore<Key, Value> {
        QueryableStore(name, .session, key, value) { ReadOnlySessionStore(place: $0, key: $1, value: $2, placement: placing) }
    }

    /// A table with its history. Kafka: `VersionedKeyQuery`, `MultiVersionedKeyQuery`.
    public static func versioned<Key, Value>(
        _ name: String, key: Key.Type = Key.self, value: Value.Type = Value.self, placing: KeyPlacement<Key> = .automatic
    ) -> QueryableStore where Reader == ReadOnlyVersionedStore<Key, Value> {
        QueryableStore(name, .versioned, key, value) { ReadOnlyVersionedStore(place: $0, key: $1, value: $2, placement: placing) }
    }

    private init<Key, Value>(
        _ name: String, _ kind: StoreSchema.Kind, _: Key.Type, _: Value.Type,
        make: @escaping @Sendable (StorePlace, Serde<Key>, Serde<Value>) -> Reader
    ) {
        self.name = name
        description = ".\(kind.rawValue)(\"\(name)\", key: \(Key.self).self, value: \(Value.self).self)"
        reader = { schema, place in
            guard schema.kind == kind, let key = schema.key as? Serde<Key>, let value = schema.value as? Serde<Value> else { return nil }
            return make(place, key, value)
        }
    }
}

extension StreamsApp {
    /// A reader of a store, for any thread, at any time of the app's life.
    ///
    ///     let counts = try app.store(.keyValue("counts", key: String.self, value: Int64.self))
    ///     let alice = try await counts["alice"]
    ///
    /// What it reads is the state of each task as of its last commit, exactly: no rows of work that may still be undone. A question is answered by the thread that owns the
    /// store, between two rounds of work; while the app is busy it waits for the next commit, which comes some milliseconds after the one before when somebody asks.
    ///
    /// Kafka: `KafkaStreams.store`.
    ///
    /// - Parameter partitions: Which partitions to ask where an app runs on several instances.
    /// - Throws: `MillraceError` of kind `topology` when the app has no such store, or it is of another kind or holds other types; the message says what there is.
    public func store<Reader>(_ store: QueryableStore<Reader>, partitions: QueriedPartitions = .all) throws -> Reader {
        let (schema, place) = try place(of: store.name, partitions)
        if let reader = store.reader(schema, place) { return reader }
        throw MillraceError(
            .topology, "Store \"\(store.name)\" cannot be read as \(store.description): it is \(schema.description(of: store.name)).")
    }

    private func place(of store: String, _ partitions: QueriedPartitions) throws -> (StoreSchema, StorePlace) {
        var known: [String] = []
        func schema(_ declaration: StoreDeclaration) -> StoreSchema? {
            let schema = (declaration.payload as? StorePayload)?.schema
            if let schema { known.append(schema.description(of: declaration.name)) }
            return schema
        }
        for subtopology in plan.subtopologies {
            for planned in subtopology.stores {
                guard let schema = schema(planned.declaration), planned.declaration.name == store else { continue }
                let place = StorePlace(
                    queries: queries, name: store, subtopology: subtopology.id, partitions: partitions,
                    placesKeysByBytes: plan.placesKeysByBytes(in: subtopology))
                return (schema, place)
            }
        }
        for global in plan.globalStores {
            guard let schema = schema(global.store), global.store.name == store else { continue }
            let place = StorePlace(
                queries: queries, name: store, subtopology: TaskID.global.subtopology, partitions: .all, placesKeysByBytes: true)
            return (schema, place)
        }
        throw MillraceError(
            .topology,
            "There is no store \"\(store)\" that can be queried. "
                + (known.isEmpty
                    ? "The app has none; give a table a name with in:." : "There are \(known.sorted().joined(separator: ", "))."))
    }
}
