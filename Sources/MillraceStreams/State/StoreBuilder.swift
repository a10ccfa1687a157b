import MillraceCore
import MillracePlan

/// The description of a store that processors bring along or share. The same value given to several processors is one store. Kafka: `StoreBuilder`.
public struct StoreBuilder: Sendable {
    @usableFromInline let declaration: StoreDeclaration

    @usableFromInline
    init(declaration: StoreDeclaration) {
        self.declaration = declaration
    }

    /// A store of one value for each key.
    ///
    ///     .keyValue("last-payment", key: .string, value: .json(Payment.self))
    ///     .keyValue(Materialized("seen", timeToLive: .seconds(3600)), key: .string, value: .int64)
    @inlinable
    public static func keyValue<Key, Value>(_ store: Materialized, key: Serde<Key>, value: Serde<Value>) -> StoreBuilder {
        StoreBuilder(declaration: .keyValue(store, name: store.name ?? "", isPersistent: store.kind != .inMemory, key: key, value: value))
    }

    /// A store of the values of each key in the past `history` of stream time.
    ///
    ///     .versioned("rates", history: .seconds(3600), key: .string, value: .json(Rate.self))
    ///
    /// Kafka: `versionedKeyValueStoreBuilder`.
    @inlinable
    public static func versioned<Key, Value>(
        _ name: String, history: Duration, key: Serde<Key>, value: Serde<Value>
    ) -> StoreBuilder {
        StoreBuilder(
            declaration: .versioned(
                .versioned(name, history: history), name: name, history: history.milliseconds, key: key, value: value))
    }
}

extension StoreDeclaration {
    @inlinable
    static func keyValue<Key, Value>(
        _ store: Materialized, name: String, isPersistent: Bool, key: Serde<Key>, value: Serde<Value>
    ) -> StoreDeclaration {
        let lifetime = store.timeToLive?.milliseconds
        var declaration = StoreDeclaration(
            name, isLogged: store.isLogged, changelogSettings: store.changelogSettings(beside: ["cleanup.policy": "compact"]),
            payload: StorePayload(
                isPersistent: isPersistent, schema: StoreSchema(.keyValue, key: key, value: value), isMortal: lifetime != nil
            ) { site in
                KeyValueStore(
                    name: site.name, key: key, overlay: Overlay(serde: value, backing: site.rows(isMortal: lifetime != nil)),
                    lifetime: try site.timeToLive(lifetime), task: site.task)
            })
        // Tombstones of rows that are over cannot go to a topic that others write.
        declaration.needsOwnChangelog = lifetime != nil
        return declaration
    }
}

extension StoreDeclaration {
    /// - Parameter history: In milliseconds.
    @inlinable
    static func versioned<Key, Value>(
        _ store: Materialized, name: String, history: Int64, key: Serde<Key>, value: Serde<Value>
    ) -> StoreDeclaration {
        // Compaction must leave alone what a restore still needs, with a day to spare.
        let lag = history.addingReportingOverflow(86_400_000)
        return StoreDeclaration(
            name, isLogged: store.isLogged,
            changelogSettings: store.changelogSettings(
                beside: ["cleanup.policy": "compact", "min.compaction.lag.ms": "\(lag.overflow ? .max : lag.partialValue)"]),
            historyRetention: history,
            payload: StorePayload(isPersistent: true, schema: StoreSchema(.versioned, key: key, value: value)) { site in
                try VersionedStore(name: site.name, key: key, value: value, retention: history, backing: site.backing)
            })
    }
}

extension Materialized {
    /// The settings of a changelog: the necessary ones, then the user's.
    @usableFromInline
    func changelogSettings(beside necessary: [String: String]) -> [String: String] {
        necessary.merging(["message.timestamp.type": "CreateTime"]) { $1 }.merging(changelogSettings) { $1 }
    }
}

/// What makes a store for one task.
@usableFromInline
struct StorePayload: Sendable {
    /// Whether the rows are on disk.
    let isPersistent: Bool
    /// What queries need to know; `nil` for stores that only operators look into.
    let schema: StoreSchema?
    /// Whether its rows go after a time to live. They then lie differently on disk.
    let isMortal: Bool
    let make: @Sendable (StoreSite) throws -> any StateStore

    @usableFromInline
    init(
        isPersistent: Bool, schema: StoreSchema? = nil, isMortal: Bool = false,
        make: @escaping @Sendable (StoreSite) throws -> any StateStore
    ) {
        self.isPersistent = isPersistent
        self.schema = schema
        self.isMortal = isMortal
        self.make = make
    }
}

/// Where a store is made: its task, and the place of its rows on disk if they are kept there.
@usableFromInline
struct StoreSite {
    @usableFromInline let name: String
    @usableFromInline let task: TaskContext
    /// `nil`: in memory.
    @usableFromInline let backing: Backing?
}
