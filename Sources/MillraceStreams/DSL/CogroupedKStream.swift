import MillraceCore
import MillracePlan

/// Several grouped streams with the same keys that are folded into one result for each key, each by a function of its own.
///
///     let profile = clicks.groupByKey()
///         .cogroup { user, click, profile in profile.adding(click) }
///         .cogroup(orders.groupByKey()) { user, order, profile in profile.adding(order) }
///         .aggregate(Profile(), in: "profiles")
///
/// It saves the stores and joins of a table for each stream. Kafka: `CogroupedKStream<K, VOut>`.
public struct CogroupedKStream<Key, Result> {
    @usableFromInline let cogrouping: Cogrouping<Key, Result>

    @inlinable
    init(cogrouping: Cogrouping<Key, Result>) {
        self.cogrouping = cogrouping
    }

    /// Adds a stream. A grouped stream that is added again gets the new aggregator in the old one's place.
    ///
    ///     cogrouped.cogroup(orders) { user, order, activity in activity.adding(order) }
    ///
    /// - Parameter aggregator: Gets key, value and the result so far, and gives the new result; `nil` deletes the row.
    ///
    /// Kafka: `cogroup`.
    @inlinable
    public func cogroup<Value>(
        _ grouped: KGroupedStream<Key, Value>, _ aggregator: @escaping @Sendable (Key, Value, Result) throws -> Result?
    ) -> CogroupedKStream {
        CogroupedKStream(cogrouping: cogrouping.adding(CogroupedInput(grouped.grouping, aggregator)))
    }

    /// Adds a stream whose aggregator begins without a result where `aggregate` is given no initial one.
    @inlinable
    public func cogroup<Value>(
        _ grouped: KGroupedStream<Key, Value>, fromNil aggregator: @escaping @Sendable (Key, Value, Result?) throws -> Result?
    ) -> CogroupedKStream {
        CogroupedKStream(cogrouping: cogrouping.adding(CogroupedInput(grouped.grouping, fromNil: aggregator)))
    }

    /// Folds the values of each key into a result.
    ///
    /// Records without key or value are dropped. A result carries the highest timestamp that went into it.
    ///
    /// - Parameters:
    ///   - initial: The result before the first value.
    ///   - value: How results are written to the store; the type's own serde when left out.
    ///   - named: The beginning of the names of the nodes.
    ///
    /// Kafka: `aggregate`.
    @inlinable @discardableResult
    public func aggregate(
        _ initial: @escaping @autoclosure @Sendable () throws -> Result, in store: Materialized = .automatic, value: Serde<Result>? = nil,
        named: String? = nil
    ) -> KTable<Key, Result> {
        aggregated({ try initial() }, in: store, value: value, named: named)
    }

    /// Folds the values of each key into a result that does not exist before the first one. All aggregators must be ones that begin without a result.
    @inlinable @discardableResult
    public func aggregate(
        in store: Materialized = .automatic, value: Serde<Result>? = nil, named: String? = nil
    ) -> KTable<Key, Result> {
        cogrouping.checkAllBeginFromNil()
        return aggregated({ nil }, in: store, value: value, named: named)
    }

    @inlinable
    func aggregated(
        _ initial: @escaping @Sendable () throws -> Result?, in store: Materialized, value: Serde<Result>?, named: String?
    ) -> KTable<Key, Result> {
        let name = cogrouping.storeName(store)
        let builder = cogrouping.builder
        return cogrouping.table(
            store, name: name, value: value, named: named, view: StoredTableView(store: name, isVersioned: store.isVersioned),
            isVersioned: store.isVersioned, grace: nil, key: { $0 },
            declare: { key, value in builder.tableStore(store, name: name, key: key, value: value) }, .perKey, initial)
    }

    /// Folds the values by windows of one size, tumbling or hopping. Kafka: `windowedBy(TimeWindows)`.
    public func windowedBy(_ windows: TimeWindows) -> TimeWindowedCogroupedKStream<Key, Result> {
        windowed(.grid(windows.grid), fault: windows.fault)
    }

    /// Folds the values by one window without end. Kafka: `windowedBy(UnlimitedWindows)`.
    public func windowedBy(_ windows: UnlimitedWindows) -> TimeWindowedCogroupedKStream<Key, Result> {
        windowed(.grid(windows.grid), fault: windows.fault)
    }

    /// Folds the values by windows that records move. Kafka: `windowedBy(SlidingWindows)`.
    public func windowedBy(_ windows: SlidingWindows) -> TimeWindowedCogroupedKStream<Key, Result> {
        windowed(.sliding(windows), fault: windows.fault)
    }

    /// Folds the values by sessions. Kafka: `windowedBy(SessionWindows)`.
    public func windowedBy(_ windows: SessionWindows) -> SessionWindowedCogroupedKStream<Key, Result> {
        if let fault = windows.fault { cogrouping.builder.fail(fault, kind: .configuration) }
        return SessionWindowedCogroupedKStream(cogrouping: cogrouping, windows: windows)
    }

    private func windowed(_ windows: FixedWindows, fault: String?) -> TimeWindowedCogroupedKStream<Key, Result> {
        if let fault { cogrouping.builder.fail(fault, kind: .configuration) }
        return TimeWindowedCogroupedKStream(cogrouping: cogrouping, windows: windows)
    }
}

extension KGroupedStream {
    /// Begins to fold this and other grouped streams with the same keys into one result for each key.
    ///
    ///     clicks.groupByKey().cogroup { user, click, activity in activity.adding(click) }
    ///
    /// - Parameter aggregator: Gets key, value and the result so far, and gives the new result; `nil` deletes the row.
    ///
    /// Kafka: `cogroup`.
    @inlinable
    public func cogroup<Result>(
        _ aggregator: @escaping @Sendable (Key, Value, Result) throws -> Result?
    ) -> CogroupedKStream<Key, Result> {
        CogroupedKStream(cogrouping: Cogrouping(grouping, CogroupedInput(grouping, aggregator)))
    }

    /// Begins to fold this and other grouped streams, with an aggregator that begins without a result where `aggregate` is given no initial one.
    @inlinable
    public func cogroup<Result>(
        fromNil aggregator: @escaping @Sendable (Key, Value, Result?) throws -> Result?
    ) -> CogroupedKStream<Key, Result> {
        CogroupedKStream(cogrouping: Cogrouping(grouping, CogroupedInput(grouping, fromNil: aggregator)))
    }
}
