import MillraceCore
import MillracePlan

extension KTable {
    /// Holds each window's results back until the window has closed, and then sends the last one.
    ///
    ///     clicks.groupByKey().windowedBy(.tumbling(size: .seconds(60), grace: .seconds(5))).count()
    ///         .suppress(.untilWindowCloses())
    ///         .toStream()
    ///
    /// A window has closed when stream time, the highest timestamp seen here, has passed its end and grace period (of a session also the gap), so the results of the last windows
    /// stay until later records come. A window whose last result is a deletion is left out. What waits is kept in memory and in a changelog.
    ///
    /// - Parameters:
    ///   - named: Names the node and, with `-store`, the store of waiting rows.
    ///   - isLogged: Whether what waits is also in a changelog. Without one it is lost when the app stops.
    ///   - changelogSettings: Settings of the changelog topic beyond the necessary ones, by Kafka's names.
    ///
    /// A table that does not come from windowed aggregations is an error of kind `topology`. Kafka: `suppress(Suppressed.untilWindowCloses)`.
    @inlinable
    public func suppress<WindowedKey>(
        _ suppression: WindowSuppression, named: String? = nil, isLogged: Bool = true, changelogSettings: [String: String] = [:]
    ) -> KTable where Key == Windowed<WindowedKey> {
        let grace = node.inheritedWindowGrace()
        if grace == nil {
            builder.fail(
                "\(name) is no windowed aggregation and does not come from any, so nobody knows when its windows close. Suppress it until a time limit instead.",
                node: name)
        }
        let store = Materialized(isLogged: isLogged, changelogSettings: changelogSettings)
        return suppressed(named, suppression.bounds, store, wait: grace ?? 0, dropsDeletions: true) { $0.key.window.end.milliseconds }
    }

    /// Holds each row's changes back for a time after the first, and then sends the last one.
    ///
    ///     accounts.suppress(.untilTimeLimit(.seconds(10), maximumRecords: 10_000))
    ///
    /// Time is stream time, the highest timestamp seen here, so changes at the end of a stream stay until later records come. What waits is kept in memory and in a changelog.
    ///
    /// - Parameters:
    ///   - named: Names the node and, with `-store`, the store of waiting rows.
    ///   - isLogged: Whether what waits is also in a changelog. Without one it is lost when the app stops.
    ///   - changelogSettings: Settings of the changelog topic beyond the necessary ones, by Kafka's names.
    ///
    /// Kafka: `suppress(Suppressed.untilTimeLimit)`.
    @inlinable
    public func suppress(
        _ suppression: TimeLimitSuppression, named: String? = nil, isLogged: Bool = true, changelogSettings: [String: String] = [:]
    ) -> KTable {
        let limit = suppression.limit.milliseconds
        if limit < 0 { builder.fail("A suppression cannot hold rows back for a negative time (\(limit) ms).", kind: .configuration) }
        let store = Materialized(isLogged: isLogged, changelogSettings: changelogSettings)
        return suppressed(named, suppression.bounds, store, wait: limit, dropsDeletions: false) { $0.timestamp.milliseconds }
    }

    /// Not for a table without windows: a compile error that says so.
    @available(
        *, unavailable,
        message:
            "only windowed aggregations have windows that close: call windowedBy before the aggregation, or suppress(.untilTimeLimit(…))"
    )
    @_disfavoredOverload
    public func suppress(_ suppression: WindowSuppression, named: String? = nil) -> KTable { self }

    @inlinable
    func suppressed(
        _ named: String?, _ bounds: SuppressionBounds, _ store: Materialized, wait: Int64, dropsDeletions: Bool,
        dueTime: @escaping @Sendable (Record<Key, Change<Value>>) -> Int64
    ) -> KTable {
        if let fault = bounds.fault { builder.fail(fault, kind: .configuration) }
        if let named { builder.check(name: named, of: "node") }
        let name = named ?? builder.graph.newProcessorName("KTABLE-SUPPRESS-")
        let storeName = named.map { $0 + "-store" } ?? builder.newStoreName("KTABLE-SUPPRESS-")
        let (key, value) = (
            builder.serde(keySerde, for: "the keys of store \(storeName)"),
            builder.serde(valueSerde, for: "the values of store \(storeName)")
        )
        let countsBytes = bounds.maximumBytes != nil
        let declaration = StoreDeclaration(
            storeName, isLogged: store.isLogged, changelogSettings: store.changelogSettings(beside: ["cleanup.policy": "compact"]),
            payload: StorePayload(isPersistent: false) { site in
                SuppressionStore(name: site.name, key: key, value: value, countsBytes: countsBytes, task: site.task)
            })
        // What a row was before it came here is what the table shows while it waits.
        _ = view.enableOldValues(force: true)
        let payload = NodePayload { assembly in
            let node = try SuppressNode<Key, Value>(
                store: storeName, bounds, wait: wait, dropsDeletions: dropsDeletions, dueTime: dueTime, assembly)
            return NodeInput { (record: Record<Key, Change<Value>>) in try node.receive(record) }
        }
        let node = builder.addProcessor(name, parents: [node], payload, stores: [declaration])
        node.outputIsVersioned = false
        node.refusesVersionedInput = true
        return KTable(
            builder: builder, node: node, name: name, key: keySerde, value: valueSerde, sources: sources,
            view: SuppressedTableView(view, store: storeName), storeName: nil)
    }
}
