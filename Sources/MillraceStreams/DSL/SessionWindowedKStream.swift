import MillraceCore
import MillracePlan

/// A grouped stream whose records are brought together by key and session.
///
/// Kafka: `SessionWindowedKStream<K, V>`.
public struct SessionWindowedKStream<Key, Value> {
    @usableFromInline let grouping: Grouping<Key, Value>
    @usableFromInline let windows: SessionWindows
    @usableFromInline let emit: EmitStrategy

    @inlinable
    init(grouping: Grouping<Key, Value>, windows: SessionWindows, emit: EmitStrategy) {
        self.grouping = grouping
        self.windows = windows
        self.emit = emit
    }

    @inlinable var builder: StreamsBuilder { grouping.builder }
}

extension KGroupedStream {
    /// Brings the records together by sessions: those of a key that follow each other without a long gap.
    ///
    ///     clicks.groupByKey().windowedBy(SessionWindows(gap: .seconds(1800))).count(in: "clicks-per-visit")
    ///
    /// A record may join two sessions to one, or make one longer; then the table deletes the old sessions and gets a new one, since the session is part of the key.
    ///
    /// - Parameter emit: Whether results are sent at each change, or once when a session has closed.
    ///
    /// Kafka: `windowedBy(SessionWindows)`.
    @inlinable
    public func windowedBy(_ windows: SessionWindows, emit: EmitStrategy = .onWindowUpdate) -> SessionWindowedKStream<Key, Value> {
        if let fault = windows.fault { builder.fail(fault, kind: .configuration) }
        return SessionWindowedKStream(grouping: grouping, windows: windows, emit: emit)
    }
}

extension SessionWindowedKStream {
    /// Counts the records of each key in each session. Records without a key are dropped; those without a value count.
    ///
    /// Kafka: `count`.
    @inlinable @discardableResult
    public func count(in store: Materialized? = nil, named: String? = nil) -> KTable<Windowed<Key>, Int64> {
        builder.skipStoreNumber(of: store, prefix: "KSTREAM-AGGREGATE-")
        return aggregated(
            in: store, value: .bigEndian, prefix: "KSTREAM-AGGREGATE-", named: named,
            StreamAggregate(initial: { 0 }, apply: { _, _, count in (count ?? 0) + 1 }), merging: { _, count, next in (count ?? 0) + next })
    }

    /// Combines the values of each key and session with each other, and the results of sessions that become one, the first being the start.
    ///
    /// Kafka: `reduce`.
    ///
    /// - Parameter combine: Gets the result so far, and the new value or the result of the next session.
    @inlinable @discardableResult
    public func reduce(
        in store: Materialized? = nil, named: String? = nil, _ combine: @escaping @Sendable (Value, Value) throws -> Value?
    ) -> KTable<Windowed<Key>, Value> {
        aggregated(
            in: store, value: grouping.valueSerde, prefix: "KSTREAM-REDUCE-", named: named, .reduce(combine),
            merging: { _, result, next in if let result { try combine(result, next) } else { next } })
    }

    /// Combines the values of each key and session with each other, and the results of sessions that become one, the first being the start.
    ///
    /// - Parameter combine: Gets the result so far, and the new value, which may be missing, or the result of the next session.
    @inlinable @discardableResult
    public func reduce<Wrapped>(
        in store: Materialized? = nil, named: String? = nil, _ combine: @escaping @Sendable (Wrapped, Wrapped?) throws -> Wrapped?
    ) -> KTable<Windowed<Key>, Wrapped> where Value == Wrapped? {
        aggregated(
            in: store, value: grouping.valueSerde?.wrapped(), prefix: "KSTREAM-REDUCE-", named: named, .reduceOptional(combine),
            merging: { _, result, next in if let result { try combine(result, next) } else { next } })
    }

    /// Folds the values of each key and session into a result of another type.
    ///
    ///     clicks.groupByKey().windowedBy(SessionWindows(gap: .seconds(1800)))
    ///         .aggregate(Set<String>(), value: .json(), merging: { _, a, b in a.union(b) }) { _, click, pages in pages.union([click.page]) }
    ///
    /// A result of `nil` deletes the row. Kafka: `aggregate`.
    ///
    /// - Parameters:
    ///   - initial: The result before the first value.
    ///   - value: How results are written to the store; the type's own serde when left out.
    ///   - merge: Gets key, result so far and the result of the next session, when sessions become one. It is called for the first session too, with `initial`.
    ///   - aggregator: Gets key, value and the result so far, and gives the new result. It is called once for each record, after `merge`.
    @inlinable @discardableResult
    public func aggregate<Result>(
        _ initial: @escaping @autoclosure @Sendable () throws -> Result, in store: Materialized? = nil, value: Serde<Result>? = nil,
        named: String? = nil, merging merge: @escaping @Sendable (Key, Result, Result) throws -> Result?,
        _ aggregator: @escaping @Sendable (Key, Value, Result) throws -> Result?
    ) -> KTable<Windowed<Key>, Result> {
        aggregated(
            in: store, value: value, prefix: "KSTREAM-AGGREGATE-", named: named, .fold(initial, aggregator),
            merging: { key, result, next in
                let result = try result ?? initial()
                return try merge(key, result, next)
            })
    }

    /// Folds the values of each key and session into a result that does not exist before the first one.
    ///
    /// - Parameter merge: Gets key, result so far (`nil` for the first session) and the result of the next session.
    @inlinable @discardableResult
    public func aggregate<Result>(
        in store: Materialized? = nil, value: Serde<Result>? = nil, named: String? = nil,
        merging merge: @escaping @Sendable (Key, Result?, Result) throws -> Result?,
        _ aggregator: @escaping @Sendable (Key, Value, Result?) throws -> Result?
    ) -> KTable<Windowed<Key>, Result> {
        aggregated(
            in: store, value: value, prefix: "KSTREAM-AGGREGATE-", named: named, StreamAggregate(initial: { nil }, apply: aggregator),
            merging: merge)
    }

    @inlinable
    func aggregated<Result>(
        in store: Materialized?, value: Serde<Result>?, prefix: String, named: String?, _ aggregate: StreamAggregate<Key, Value, Result>,
        merging merge: @escaping SessionMerger<Key, Result>
    ) -> KTable<Windowed<Key>, Result> {
        let store = store ?? .automatic
        let storeName = store.name ?? builder.newStoreName(prefix)
        let retention = builder.checkedRetention(
            of: store, storeName, keeping: "sessions", atLeast: windows.leastRetention, because: "gap and grace")
        let (windows, emit, inlet) = (self.windows, self.emit, grouping.inlet)
        let isPersistent = builder.isPersistent(store)
        return grouping.windowedTable(
            store, name: storeName, value: value, prefix: prefix, named: named, view: WindowedTableView(ofSessions: storeName),
            grace: windows.leastRetention, key: { .sessionWindowed($0) },
            declare: { key, value in
                .session(
                    store, name: storeName, isPersistent: isPersistent, retention: retention,
                    isIndexed: emit == .onWindowClose, key: key, value: value)
            }
        ) { assembly, context in
            let node = try SessionAggregateNode(aggregate, merging: merge, windows, context, assembly)
            return inlet { try node.receive($0, $1, $2, $3) }
        }
    }
}
