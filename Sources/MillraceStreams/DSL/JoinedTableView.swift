import MillraceCore
import MillracePlan

/// A table joined of two, row by row, and kept only if it was given a store.
@usableFromInline
final class JoinedTableView<Key, Left, Right, Result>: TableView<Key, Result>, @unchecked Sendable {
    private let left: TableView<Key, Left>
    private let right: TableView<Key, Right>
    /// The name of the table's own store; `nil` without one.
    @usableFromInline let store: String?
    private let versioned: Bool
    private let lookup: @Sendable (NodeAssembly) throws -> TableLookup<Key, Result>

    @inlinable
    convenience init(
        _ left: TableView<Key, Left>, _ right: TableView<Key, Right>, _ kind: TableJoinKind, store: String?, isVersioned: Bool,
        join: @escaping @Sendable (Left?, Right?) throws -> Result?
    ) {
        self.init(left, right, store, isVersioned) { assembly in
            if let store { return try TableLookup(reading: store, assembly) }
            let findLeft = try left.makeLookup(assembly).find
            let findRight = try right.makeLookup(assembly).find
            let site = assembly.site
            return TableLookup(find: { key in
                let left = try findLeft(key)
                if left?.value == nil, kind != .outer { return nil }
                let right = try findRight(key)
                if right?.value == nil, kind == .inner || left?.value == nil { return nil }
                let result: Result?
                do { result = try join(left?.value, right?.value) } catch { throw site.failure(error) }
                let times = (left?.timestamp ?? .none, right?.timestamp ?? .none)
                return result.map { Row(value: $0, timestamp: max(times.0, times.1), isDirty: false) }
            })
        }
    }

    /// - Parameter lookup: Compiled for the table's types where they are known.
    @usableFromInline
    init(
        _ left: TableView<Key, Left>, _ right: TableView<Key, Right>, _ store: String?, _ isVersioned: Bool,
        lookup: @escaping @Sendable (NodeAssembly) throws -> TableLookup<Key, Result>
    ) {
        self.left = left
        self.right = right
        self.store = store
        self.lookup = lookup
        versioned = isVersioned
    }

    override func provideOldValues(force: Bool) -> Bool {
        // The old result is joined of the old values; both tables have stores in any case.
        _ = left.enableOldValues(force: true)
        _ = right.enableOldValues(force: true)
        return true
    }

    @usableFromInline override var lookupStores: [String] {
        if let store { return [store] }
        let stores = left.lookupStores
        return stores + right.lookupStores.filter { !stores.contains($0) }
    }

    /// A join of versioned tables is not versioned itself, unless its own store is.
    override var isVersioned: Bool { store != nil && versioned }

    @usableFromInline
    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Result> {
        try lookup(assembly)
    }

    /// The node that takes the updates of one of the tables.
    ///
    /// - Parameters:
    ///   - parent: The logical node of that table.
    ///   - other: The other table.
    @inlinable
    func side<Own, Other>(
        from parent: String, lookingUp other: TableView<Key, Other>, _ side: TableJoinSide,
        join: @escaping @Sendable (Own?, Other?) throws -> Result?
    ) -> NodePayload {
        NodePayload { [self] assembly in
            let node = try TableJoinNode<Key, Own, Other, Result>(
                side, other.makeLookup(assembly), sendsOldValues: sendsOldValues,
                ignoresThePast: assembly.versionedInputs.contains(parent), assembly, join: join)
            return NodeInput { (record: Record<Key, Change<Own>>) in try node.receive(record) }
        }
    }

    /// The node in which the updates of both sides meet, and which keeps the rows if they are kept.
    @inlinable
    func merge() -> NodePayload {
        NodePayload { [self] assembly in
            let output = try assembly.output(Key.self, Change<Result>.self)
            guard let store else { return NodeInput(output) }
            let rows = try TableStore<Key, Result>(named: store, in: assembly.task)
            let site = assembly.site
            return NodeInput { (record: Record<Key, Change<Result>>) in
                guard let put = try rows.put(record.key, record.value.new, record.timestamp) else { return site.drop(.expired) }
                var change = record.value
                change.isLatest = put.isLatest
                try output.send(record.with(value: change))
            }
        }
    }
}
