import MillraceCore
import MillracePlan

extension StoreBuilder {
    /// A store of one value for each key and session.
    ///
    ///     .session("visits", retention: .seconds(86_400), key: .string, value: .int64)
    ///
    /// Kafka: `Stores.sessionStoreBuilder`.
    ///
    /// - Parameter retention: How long a session is kept after its end, by the ends of younger sessions.
    @inlinable
    public static func session<Key, Value>(
        _ store: Materialized, retention: Duration, key: Serde<Key>, value: Serde<Value>
    ) -> StoreBuilder {
        StoreBuilder(
            declaration: .session(
                store, name: store.name ?? "", isPersistent: store.kind != .inMemory, retention: retention.milliseconds, key: key,
                value: value))
    }
}

extension StoreDeclaration {
    @inlinable
    static func session<Key, Value>(
        _ store: Materialized, name: String, isPersistent: Bool, retention: Int64, isIndexed: Bool = false, key: Serde<Key>,
        value: Serde<Value>
    ) -> StoreDeclaration {
        StoreDeclaration(
            name, isLogged: store.isLogged, changelogSettings: store.windowedChangelogSettings(retention: retention),
            payload: StorePayload(isPersistent: isPersistent, schema: StoreSchema(.session, key: key, value: value)) { site in
                try site.checkHasNoTimeToLive(store)
                try site.checkRetention(retention)
                return try SessionStore(
                    name: site.name, key: key, rows: try SegmentedOverlay(serde: value, retention: retention, backing: site.backing),
                    index: isIndexed ? (isPersistent ? .byStart : .byKey) : nil, task: site.task)
            })
    }
}

extension StoreSite {
    @usableFromInline
    func checkRetention(_ retention: Int64) throws {
        guard retention >= 0 else {
            throw MillraceError(.configuration, "Session store \(name) has a negative retention, \(retention) ms.")
        }
    }
}
