import MillraceCore
import MillracePlan

extension KTable {
    /// The rows that both tables have, joined by key.
    ///
    ///     let profiles = users.join(addresses) { user, address in Profile(user, address) }
    ///
    /// A change of either table changes the result; the result's time is the later of both rows'. A row that one table loses is deleted from the result. Updates of versioned
    /// tables that concern the past are ignored. Both tables must be partitioned alike.
    ///
    /// - Parameters:
    ///   - store: Where to keep the result's rows, if it shall have a store; without one it is computed whenever it is looked up.
    ///   - value: How results are written, where they are; the type's own serde when left out.
    ///   - joiner: Gets both rows' values. A result of `nil` deletes the row.
    ///
    /// Kafka: `join(KTable, …)`.
    @inlinable
    public func join<Other, Result>(
        _ other: KTable<Key, Other>, in store: Materialized? = nil, value: Serde<Result>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value, Other) throws -> Result?
    ) -> KTable<Key, Result> {
        joined(other, .inner, in: store, value: value, named: named) { left, right in
            guard let left, let right else { return nil }
            return try joiner(left, right)
        }
    }

    /// All rows of this table, joined by key with those of the other where it has them.
    ///
    ///     let profiles = users.leftJoin(addresses) { user, address in Profile(user, address ?? .unknown) }
    ///
    /// Kafka: `leftJoin(KTable, …)`.
    @inlinable
    public func leftJoin<Other, Result>(
        _ other: KTable<Key, Other>, in store: Materialized? = nil, value: Serde<Result>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value, Other?) throws -> Result?
    ) -> KTable<Key, Result> {
        joined(other, .left, in: store, value: value, named: named) { left, right in
            guard let left else { return nil }
            return try joiner(left, right)
        }
    }

    /// The rows that either table has, joined by key.
    ///
    ///     let totals = online.outerJoin(stores) { online, inStores in (online ?? 0) + (inStores ?? 0) }
    ///
    /// Kafka: `outerJoin(KTable, …)`.
    ///
    /// - Parameter joiner: Gets at least one value that is not `nil`.
    @inlinable
    public func outerJoin<Other, Result>(
        _ other: KTable<Key, Other>, in store: Materialized? = nil, value: Serde<Result>? = nil, named: String? = nil,
        _ joiner: @escaping @Sendable (Value?, Other?) throws -> Result?
    ) -> KTable<Key, Result> {
        joined(other, .outer, in: store, value: value, named: named, joiner)
    }

    @inlinable
    func joined<Other, Result>(
        _ other: KTable<Key, Other>, _ kind: TableJoinKind, in store: Materialized?, value: Serde<Result>?, named: String?,
        _ join: @escaping @Sendable (Value?, Other?) throws -> Result?
    ) -> KTable<Key, Result> {
        // Only a named store is made, but one without a name takes a number all the same, as in Kafka Streams.
        if let store, store.name == nil { _ = builder.graph.newStoreName("KTABLE-MERGE-") }
        let name = builder.name(named, prefix: "KTABLE-MERGE-")
        builder.checkIsSame(as: other.builder, at: name)
        let sources = self.sources.union(other.sources)
        builder.graph.copartition(sources.sorted())
        if kind != .inner { _ = view.enableOldValues(force: true) }
        if kind == .outer { _ = other.view.enableOldValues(force: true) }
        let leftName = named.map { $0 + "-join-this" } ?? builder.graph.newProcessorName("KTABLE-JOINTHIS-")
        let rightName = named.map { $0 + "-join-other" } ?? builder.graph.newProcessorName("KTABLE-JOINOTHER-")
        let (left, right) = (view, other.view)
        let result = JoinedTableView(left, right, kind, store: store?.name, isVersioned: store?.isVersioned ?? false, join: join)
        let steps: [PlanStep] = [
            .processor(leftName, parents: [self.name], payload: result.side(from: node.name, lookingUp: right, kind.leftSide, join: join)),
            .processor(
                rightName, parents: [other.name],
                payload: result.side(from: other.node.name, lookingUp: left, kind.rightSide) { try join($1, $0) }),
            .processor(name, parents: [leftName, rightName], payload: result.merge()),
            .connect(leftName, stores: right.lookupStores), .connect(rightName, stores: left.lookupStores),
        ]
        let merge = LogicalNode(name, .steps(steps), outputIsVersioned: store?.isVersioned ?? false)
        if let store, let storeName = store.name {
            merge.store = builder.tableStore(
                store, name: storeName, key: builder.serde(keySerde, for: "the keys of store \(storeName)"),
                value: builder.serde(value, for: "the values of store \(storeName)"))
        }
        builder.graph.add(merge, parents: [node, other.node])
        return KTable<Key, Result>(
            builder: builder, node: merge, name: name, key: keySerde, value: value, sources: sources, view: result, storeName: store?.name)
    }
}

/// Which rows the join of two tables has results for.
@usableFromInline
enum TableJoinKind: Sendable {
    case inner, left, outer

    /// What updates of the left table do.
    @usableFromInline var leftSide: TableJoinSide {
        TableJoinSide(needsOther: self == .inner, joinsDeletedRows: self == .outer)
    }

    /// What updates of the right table do.
    @usableFromInline var rightSide: TableJoinSide {
        TableJoinSide(needsOther: self != .outer, joinsDeletedRows: self != .inner)
    }
}

/// What the updates of one table do in a join of two.
@usableFromInline
struct TableJoinSide: Sendable {
    /// Whether there is no result without a row of the other table.
    @usableFromInline let needsOther: Bool
    /// Whether the other table's row alone is a result.
    @usableFromInline let joinsDeletedRows: Bool
}
