import MillraceCore
import MillracePlan

extension StoreBuilder {
    /// A store of one value for each key and window.
    ///
    ///     .window("visits-per-hour", size: .seconds(3600), retention: .seconds(86_400), key: .string, value: .int64)
    ///
    /// Kafka: `Stores.windowStoreBuilder`.
    ///
    /// - Parameters:
    ///   - size: The length of a window, by which its end is told.
    ///   - retention: How long a window is kept after its start, by the starts of younger windows; at least `size`, or making the store fails.
    public static func window<Key, Value>(
        _ store: Materialized, size: Duration, retention: Duration, key: Serde<Key>, value: Serde<Value>
    ) -> StoreBuilder {
        StoreBuilder(
            declaration: .window(
                store, name: store.name ?? "", isPersistent: store.kind != .inMemory, size: size.milliseconds,
                retention: retention.milliseconds, key: key, value: value))
    }
}

extension StoreDeclaration {
    @inlinable
    static func window<Key, Value>(
        _ store: Materialized, name: String, isPersistent: Bool, size: Int64, retention: Int64, isIndexed: Bool = false, key: Serde<Key>,
        value: Serde<Value>
    ) -> StoreDeclaration {
        StoreDeclaration(
            name, isLogged: store.isLogged, changelogSettings: store.windowedChangelogSettings(retention: retention),
            payload: StorePayload(isPersistent: isPersistent, schema: StoreSchema(.window, key: key, value: value)) { site in
                try site.checkHasNoTimeToLive(store)
                try site.checkRetention(retention, ofWindows: size)
                // Kafka's persistent store for results on close keeps a window one moment longer than its other stores do; many last results depend on it.
                let rows = try SegmentedOverlay(
                    serde: value, retention: retention, keepsLastMoment: isIndexed && isPersistent, backing: site.backing)
                return try WindowStore(
                    name: site.name, windowSize: size, key: key,
                    rows: rows, isIndexed: isIndexed, task: site.task)
            })
    }
}

extension Materialized {
    /// The settings of the changelog of a store that forgets: the topic forgets a day later, so that a restore finds all that the store would have.
    @usableFromInline
    func windowedChangelogSettings(retention: Int64) -> [String: String] {
        changelogSettings(beside: ["cleanup.policy": "compact,delete", "retention.ms": String(retention.addingClamped(86_400_000))])
    }
}

extension StoreSite {
    @usableFromInline
    func checkHasNoTimeToLive(_ store: Materialized) throws {
        guard store.timeToLive != nil else { return }
        throw MillraceError(.configuration, "Store \(name) has windows, which go by retention: it cannot have a time to live besides.")
    }

    @usableFromInline
    func checkRetention(_ retention: Int64, ofWindows size: Int64) throws {
        guard size >= 0, retention >= size else {
            throw MillraceError(
                .configuration,
                "Window store \(name) keeps windows of \(size) ms for \(retention) ms. Keep them at least for their size.")
        }
    }
}
