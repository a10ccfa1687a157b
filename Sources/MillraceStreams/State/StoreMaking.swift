import MillraceCore
import MillracePlan

/// What makes a store for one task.
struct StorePayload: Sendable {
    /// Whether the rows are on disk.
    let isPersistent: Bool
    let make: @Sendable (StoreSite) throws -> any StateStore
}

/// Where a store is made: its task, and the place of its rows on disk if they are kept there.
struct StoreSite {
    let name: String
    let task: TaskContext
    /// `nil`: in memory.
    let backing: Backing?
}

extension StreamsBuilder {
    /// The declaration of a key-value store.
    func keyValueStore<Key, Value>(
        _ store: Materialized, generated: String, key: Serde<Key>, value: Serde<Value>
    ) -> StoreDeclaration {
        let name = storeName(store, generated: generated)
        return StoreDeclaration(
            name, isLogged: store.isLogged, changelogSettings: changelogSettings(store, ["cleanup.policy": "compact"]),
            payload: StorePayload(isPersistent: isPersistent(store)) { site in
                KeyValueStore(
                    name: site.name, key: key, overlay: Overlay(serde: value, isOrdered: true, backing: site.backing), task: site.task)
            })
    }

    /// The declaration of a table's store, with or without history.
    func tableStore<Key, Value>(_ store: Materialized, generated: String, key: Serde<Key>, value: Serde<Value>) -> StoreDeclaration {
        keyValueStore(store, generated: generated, key: key, value: value)
    }

    func storeName(_ store: Materialized, generated: String) -> String {
        if let name = store.name { check(name: name, of: "store") }
        return store.name ?? generated
    }

    func isPersistent(_ store: Materialized) -> Bool {
        switch store.kind == .automatic ? defaultStore : store.kind {
        case .inMemory: false
        case .automatic, .persistent, .versioned: true
        }
    }

    /// The settings of a changelog: the necessary ones, then the user's.
    func changelogSettings(_ store: Materialized, _ necessary: [String: String]) -> [String: String] {
        necessary.merging(["message.timestamp.type": "CreateTime"]) { $1 }.merging(store.changelogSettings) { $1 }
    }
}
