import MillraceCore
import MillracePlan

/// A grouped stream whose records are brought together by key and window.
///
/// Kafka: `TimeWindowedKStream<K, V>`.
public struct TimeWindowedKStream<Key, Value> {
    @usableFromInline let grouping: Grouping<Key, Value>
    @usableFromInline let windows: FixedWindows
    @usableFromInline let emit: EmitStrategy

    @usableFromInline var builder: StreamsBuilder { grouping.builder }
}

/// The kinds of windows that a window store keeps: their size is known beforehand.
@usableFromInline
enum FixedWindows: Sendable {
    case grid(WindowGrid)
    case sliding(SlidingWindows)

    /// What the end of a window is told by.
    @usableFromInline var size: Int64 {
        switch self {
        case .grid(let grid): grid.size
        case .sliding(let windows): windows.difference
        }
    }

    /// How long after its end a window can still change.
    @usableFromInline var grace: Int64 {
        switch self {
        case .grid(let grid): grid.grace
        case .sliding(let windows): windows.grace
        }
    }

    /// How long a store must keep a window after its start, so that every record that is in time finds it.
    @usableFromInline var leastRetention: Int64 {
        switch self {
        case .grid(let grid): grid.leastRetention
        case .sliding(let windows): windows.leastRetention
        }
    }
}

extension KGroupedStream {
    /// Brings the records together by windows of one size, tumbling or hopping.
    ///
    ///     clicks.groupByKey().windowedBy(.tumbling(size: .seconds(60), grace: .seconds(5))).count(in: "clicks-per-minute")
    ///
    /// - Parameter emit: Whether results are sent at each change, or once when a window has closed.
    ///
    /// Kafka: `windowedBy(TimeWindows)`.
    public func windowedBy(_ windows: TimeWindows, emit: EmitStrategy = .onWindowUpdate) -> TimeWindowedKStream<Key, Value> {
        if let fault = windows.fault { builder.fail(fault, kind: .configuration) }
        return TimeWindowedKStream(grouping: grouping, windows: .grid(windows.grid), emit: emit)
    }

    /// Brings the records together by one window without end, for each key. Kafka: `windowedBy(UnlimitedWindows)`.
    public func windowedBy(_ windows: UnlimitedWindows, emit: EmitStrategy = .onWindowUpdate) -> TimeWindowedKStream<Key, Value> {
        if let fault = windows.fault { builder.fail(fault, kind: .configuration) }
        if emit == .onWindowClose {
            builder.fail("Unlimited windows never close, so their results cannot be sent on close.", kind: .configuration)
        }
        return TimeWindowedKStream(grouping: grouping, windows: .grid(windows.grid), emit: emit)
    }
}

extension KGroupedStream {
    /// Brings the records together by windows that records move: those whose times differ by at most a time difference.
    ///
    ///     logins.groupByKey().windowedBy(SlidingWindows(difference: .seconds(60))).count(in: "logins-within-a-minute")
    ///
    /// Kafka: `windowedBy(SlidingWindows)`.
    public func windowedBy(_ windows: SlidingWindows, emit: EmitStrategy = .onWindowUpdate) -> TimeWindowedKStream<Key, Value> {
        if let fault = windows.fault { builder.fail(fault, kind: .configuration) }
        return TimeWindowedKStream(grouping: grouping, windows: .sliding(windows), emit: emit)
    }
}

extension TimeWindowedKStream {
    @inlinable
    func aggregated<Result>(
        in store: Materialized?, value: Serde<Result>?, prefix: String, named: String?, _ aggregate: StreamAggregate<Key, Value, Result>
    ) -> KTable<Windowed<Key>, Result> {
        let store = store ?? .automatic
        let storeName = store.name ?? builder.newStoreName(prefix)
        let retention = builder.checkedRetention(
            of: store, storeName, keeping: "windows", atLeast: windows.leastRetention, because: "size and grace")
        let isPersistent = builder.isPersistent(store)
        let (windows, emit) = (self.windows, self.emit)
        let inlet = grouping.inlet
        return grouping.windowedTable(
            store, name: storeName, value: value, prefix: prefix, named: named, view: WindowedTableView(ofWindows: storeName),
            grace: windows.grace, key: { .timeWindowed($0, milliseconds: windows.size) },
            declare: { key, value in
                .window(
                    store, name: storeName, isPersistent: isPersistent, size: windows.size,
                    retention: retention, isIndexed: emit == .onWindowClose, key: key, value: value)
            }
        ) { assembly, context in
            switch windows {
            case .grid(let grid):
                if let merge = aggregate.merge, let node = try grid.paneNode(aggregate, merge, context, assembly) {
                    return inlet { try node.receive($0, $1, $2, $3) }
                }
                let node = try WindowAggregateNode(aggregate, grid, context, assembly)
                return inlet { try node.receive($0, $1, $2, $3) }
            case .sliding(let windows):
                let node = try SlidingAggregateNode(aggregate, windows, context, assembly)
                return inlet { try node.receive($0, $1, $2, $3) }
            }
        }
    }
}

extension WindowGrid {
    /// The node of an aggregation that shares its work between windows; `nil` where they do not overlap, or every update is sent.
    @inlinable
    func paneNode<Key, Value, Result>(
        _ aggregate: StreamAggregate<Key, Value, Result>, _ merge: @escaping @Sendable (Key, Result, Result) throws -> Result,
        _ context: AggregateContext<Value>, _ assembly: NodeAssembly
    ) throws -> PaneAggregateNode<Key, Value, Result>? {
        guard advance < size else { return nil }
        let store: WindowStore<Key, Result> = try assembly.task.store(context.store)
        guard let closed = ClosedWindows(store, length: size, advance: advance, try assembly.output(), assembly.task) else { return nil }
        return PaneAggregateNode(aggregate, merging: merge, self, closing: closed, store, assembly)
    }
}

extension Grouping {
    /// The table of a windowed aggregation: its store, its place in the plan, its node.
    @usableFromInline
    func windowedTable<Result>(
        _ store: Materialized, name storeName: String, value: Serde<Result>?, prefix: String, named: String?,
        view: TableView<Windowed<Key>, Result>, grace: Int64, key: (Serde<Key>) -> Serde<Windowed<Key>>,
        declare: (Serde<Key>, Serde<Result>) -> StoreDeclaration,
        _ assemble: @escaping @Sendable (NodeAssembly, AggregateContext<Value>) throws -> NodeInput
    ) -> KTable<Windowed<Key>, Result> {
        if let name = store.name { builder.check(name: name, of: "store") }
        if store.isVersioned {
            builder.fail(
                "Store \(storeName) is to be versioned, but a windowed aggregation keeps its windows, not versions. Make it persistent or in-memory.",
                kind: .configuration)
        }
        let name = builder.name(named, prefix: prefix)
        let (parent, sources) = repartitioned(forStore: storeName)
        let keySerde = builder.serde(self.keySerde, for: "the keys of store \(storeName)")
        let resultSerde = builder.serde(value, for: "the values of store \(storeName)")
        let isNull = valueSerde.flatMap { serde in serde.allowsNull ? { @Sendable in serde.isNull($0) } : nil }
        let payload = NodePayload { assembly in
            try assemble(assembly, AggregateContext(store: storeName, sendsOldValues: view.sendsOldValues, isNull: isNull))
        }
        let node = builder.addProcessor(name, parents: [parent], payload, stores: [declare(keySerde, resultSerde)])
        node.outputIsVersioned = false
        node.windowGrace = grace
        return KTable(
            builder: builder, node: node, name: name, key: key(keySerde), value: resultSerde, sources: sources, view: view,
            storeName: store.name)
    }
}
