import MillraceCore
import MillracePlan

/// Several grouped streams that are folded into one result for each key and window. Kafka: `TimeWindowedCogroupedKStream<K, V>`.
///
/// Each stream has a stream time of its own, so a record can be late for its stream although another one's would still be in time.
public struct TimeWindowedCogroupedKStream<Key, Result> {
    @usableFromInline let cogrouping: Cogrouping<Key, Result>
    @usableFromInline let windows: FixedWindows

    /// Folds the values of each key and window into a result.
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
    ) -> KTable<Windowed<Key>, Result> {
        aggregated({ try initial() }, in: store, value: value, named: named)
    }

    /// Folds the values of each key and window into a result that does not exist before the first one. All aggregators must be ones that begin without a result.
    @inlinable @discardableResult
    public func aggregate(
        in store: Materialized = .automatic, value: Serde<Result>? = nil, named: String? = nil
    ) -> KTable<Windowed<Key>, Result> {
        cogrouping.checkAllBeginFromNil()
        return aggregated({ nil }, in: store, value: value, named: named)
    }

    @inlinable
    func aggregated(
        _ initial: @escaping @Sendable () throws -> Result?, in store: Materialized, value: Serde<Result>?, named: String?
    ) -> KTable<Windowed<Key>, Result> {
        let name = cogrouping.storeName(store)
        let retention = cogrouping.retention(of: store, name: name, atLeast: windows.leastRetention)
        let (windows, builder) = (self.windows, cogrouping.builder)
        return cogrouping.table(
            store, name: name, value: value, named: named, view: WindowedTableView(ofWindows: name), isVersioned: false,
            grace: windows.grace,
            key: { .timeWindowed($0, milliseconds: windows.size) },
            declare: { key, value in
                .window(
                    store, name: name, isPersistent: builder.isPersistent(store), size: windows.size, retention: retention,
                    isIndexed: false, key: key, value: value)
            }, .perWindow(windows), initial)
    }
}

/// Several grouped streams that are folded into one result for each key and session. Kafka: `SessionWindowedCogroupedKStream<K, V>`.
public struct SessionWindowedCogroupedKStream<Key, Result> {
    @usableFromInline let cogrouping: Cogrouping<Key, Result>
    @usableFromInline let windows: SessionWindows

    /// Folds the values of each key and session into a result.
    ///
    /// - Parameters:
    ///   - initial: The result before the first value.
    ///   - merge: Gets key, result so far and the result of the next session, when sessions become one. It is called for the first session too, with `initial`.
    ///
    /// Kafka: `aggregate`.
    @inlinable @discardableResult
    public func aggregate(
        _ initial: @escaping @autoclosure @Sendable () throws -> Result, in store: Materialized = .automatic, value: Serde<Result>? = nil,
        named: String? = nil, merging merge: @escaping @Sendable (Key, Result, Result) throws -> Result?
    ) -> KTable<Windowed<Key>, Result> {
        aggregated({ try initial() }, in: store, value: value, named: named) { key, result, next in
            let result = try result ?? initial()
            return try merge(key, result, next)
        }
    }

    /// Folds the values of each key and session into a result that does not exist before the first one. All aggregators must be ones that begin without a result.
    ///
    /// - Parameter merge: Gets key, result so far (`nil` for the first session) and the result of the next session.
    @inlinable @discardableResult
    public func aggregate(
        in store: Materialized = .automatic, value: Serde<Result>? = nil, named: String? = nil,
        merging merge: @escaping @Sendable (Key, Result?, Result) throws -> Result?
    ) -> KTable<Windowed<Key>, Result> {
        cogrouping.checkAllBeginFromNil()
        return aggregated({ nil }, in: store, value: value, named: named, merge)
    }

    @inlinable
    func aggregated(
        _ initial: @escaping @Sendable () throws -> Result?, in store: Materialized, value: Serde<Result>?, named: String?,
        _ merge: @escaping SessionMerger<Key, Result>
    ) -> KTable<Windowed<Key>, Result> {
        let name = cogrouping.storeName(store)
        let retention = cogrouping.retention(of: store, name: name, atLeast: windows.leastRetention)
        let builder = cogrouping.builder
        return cogrouping.table(
            store, name: name, value: value, named: named, view: WindowedTableView(ofSessions: name), isVersioned: false,
            grace: windows.leastRetention, key: { .sessionWindowed($0) },
            declare: { key, value in
                .session(
                    store, name: name, isPersistent: builder.isPersistent(store), retention: retention, isIndexed: false, key: key,
                    value: value)
            }, .perSession(windows, merge), initial)
    }
}
