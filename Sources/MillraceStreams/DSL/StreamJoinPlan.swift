import MillraceCore
import MillracePlan

/// One join of two streams on its way into the plan: names, stores, nodes.
///
/// Kafka: `KStreamImplJoin`.
@usableFromInline
struct StreamJoinPlan<LeftKey, LeftValue, RightKey, RightValue, Key, ResultKey, Left, Right, Result> {
    @usableFromInline let left: KStream<LeftKey, LeftValue>
    @usableFromInline let right: KStream<RightKey, RightValue>
    @usableFromInline let leftSide: StreamJoinSide<LeftKey, LeftValue, Key, Left>
    @usableFromInline let rightSide: StreamJoinSide<RightKey, RightValue, Key, Right>
    @usableFromInline let key: Serde<Key>
    @usableFromInline let leftValue: Serde<Left>
    @usableFromInline let rightValue: Serde<Right>
    @usableFromInline let windows: JoinWindows
    @usableFromInline let join: StreamJoin<Key, ResultKey, Left, Right, Result>
    @usableFromInline let store: Materialized
    @usableFromInline let named: String?

    @inlinable
    init(
        left: KStream<LeftKey, LeftValue>, right: KStream<RightKey, RightValue>, leftSide: StreamJoinSide<LeftKey, LeftValue, Key, Left>,
        rightSide: StreamJoinSide<RightKey, RightValue, Key, Right>, key: Serde<Key>, leftValue: Serde<Left>, rightValue: Serde<Right>,
        windows: JoinWindows, join: StreamJoin<Key, ResultKey, Left, Right, Result>, store: Materialized, named: String?
    ) {
        self.left = left
        self.right = right
        self.leftSide = leftSide
        self.rightSide = rightSide
        self.key = key
        self.leftValue = leftValue
        self.rightValue = rightValue
        self.windows = windows
        self.join = join
        self.store = store
        self.named = named
    }

    @inlinable var builder: StreamsBuilder { left.builder }
    @inlinable var storeName: String? { store.name }

    /// Adds the join to the graph.
    @inlinable
    func stream(
        repartitionKey leftKey: Serde<LeftKey>, _ rightKey: Serde<RightKey>, value leftStreamValue: Serde<LeftValue>,
        _ rightStreamValue: Serde<RightValue>, resultKeySerde: Serde<ResultKey>?
    ) -> KStream<ResultKey, Result> {
        check()
        let inputs = (
            left: left.repartitionedForJoin(named: named.map { $0 + "-left" }, key: leftKey, value: leftStreamValue),
            right: right.repartitionedForJoin(named: named.map { $0 + "-right" }, key: rightKey, value: rightStreamValue)
        )
        let names = StreamJoinNames(
            from: builder, named: named, store: storeName, isLeftOuter: join.unmatchedLeft != nil, isRightOuter: join.unmatchedRight != nil)
        return add(
            names, inputs.left, inputs.right,
            Payloads(
                leftWindow: windowNode(names.leftStore, leftSide), rightWindow: windowNode(names.rightStore, rightSide),
                leftJoin: leftNode(names), rightJoin: rightNode(names), selfJoin: selfJoinNode(names), leftStore: storePayload(leftValue),
                rightStore: storePayload(rightValue)), resultKeySerde)
    }

    /// What is compiled for the types of the join.
    @usableFromInline
    struct Payloads {
        @usableFromInline let leftWindow: NodePayload
        @usableFromInline let rightWindow: NodePayload
        @usableFromInline let leftJoin: NodePayload
        @usableFromInline let rightJoin: NodePayload
        @usableFromInline let selfJoin: NodePayload
        @usableFromInline let leftStore: StorePayload
        @usableFromInline let rightStore: StorePayload

        @inlinable
        init(
            leftWindow: NodePayload, rightWindow: NodePayload, leftJoin: NodePayload, rightJoin: NodePayload, selfJoin: NodePayload,
            leftStore: StorePayload, rightStore: StorePayload
        ) {
            self.leftWindow = leftWindow
            self.rightWindow = rightWindow
            self.leftJoin = leftJoin
            self.rightJoin = rightJoin
            self.selfJoin = selfJoin
            self.leftStore = leftStore
            self.rightStore = rightStore
        }
    }

    @usableFromInline
    func check() {
        if let fault = windows.fault { builder.fail(fault, kind: .configuration) }
        if store.isVersioned {
            builder.fail(
                "The stores of a join of streams keep records, not versions. Make them persistent or in-memory.", kind: .configuration)
        }
        if store.retention != nil {
            builder.fail(
                "The stores of a join of streams keep records for as long as its windows and their grace period say. Leave the retention out.",
                kind: .configuration)
        }
        if let storeName { builder.check(name: storeName, of: "store") }
    }

    @usableFromInline
    func add(
        _ names: StreamJoinNames, _ left: KStream<LeftKey, LeftValue>, _ right: KStream<RightKey, RightValue>, _ payloads: Payloads,
        _ resultKeySerde: Serde<ResultKey>?
    ) -> KStream<ResultKey, Result> {
        builder.graph.copartition((left.sources.union(right.sources)).sorted())
        builder.checkIsSame(as: right.builder, at: names.merge)
        _ = builder.addProcessor(names.leftWindowed, parents: [left.node], payloads.leftWindow)
        _ = builder.addProcessor(names.rightWindowed, parents: [right.node], payloads.rightWindow)
        let node = LogicalNode(
            names.merge,
            .streamStreamJoin(
                StreamStreamJoin(
                    leftWindowed: names.leftWindowed, rightWindowed: names.rightWindowed,
                    leftJoin: PlannedPart(names.leftJoin, payload: payloads.leftJoin),
                    rightJoin: PlannedPart(names.rightJoin, payload: payloads.rightJoin),
                    merge: PlannedPart(
                        names.merge, payload: NodePayload { NodeInput(try $0.output(ResultKey.self, Result.self)) }),
                    leftStore: declaration(names.leftStore, payloads.leftStore),
                    rightStore: declaration(names.rightStore, payloads.rightStore), outerStore: names.outerStore.map(outerDeclaration),
                    selfJoinPayload: payloads.selfJoin)), allowsNullKey: join.unmatchedLeft != nil || join.unmatchedRight != nil)
        builder.graph.add(node, parents: [left.node, right.node])
        return KStream(
            builder: builder, node: node, name: names.merge, key: resultKeySerde, value: nil, sources: left.sources.union(right.sources),
            needsRepartition: false)
    }

    private func declaration(_ name: String, _ payload: StorePayload) -> StoreDeclaration {
        StoreDeclaration(
            name, isLogged: store.isLogged,
            changelogSettings: store.changelogSettings(
                beside: ["cleanup.policy": "delete", "retention.ms": "\(windows.retention.addingClamped(86_400_000))"]), payload: payload)
    }

    @inlinable
    func storePayload<Value>(_ value: Serde<Value>) -> StorePayload {
        let retention = windows.retention
        let isPersistent = builder.isPersistent(store)
        return StorePayload(isPersistent: isPersistent) { site in
            try JoinStore(name: site.name, value: value, retention: retention, nullsMoveTime: !isPersistent, backing: site.backing)
        }
    }

    private func outerDeclaration(_ name: String) -> StoreDeclaration {
        let (leftValue, rightValue) = (self.leftValue, self.rightValue)
        return StoreDeclaration(
            name, isLogged: store.isLogged, changelogSettings: store.changelogSettings(beside: ["cleanup.policy": "compact"]),
            payload: StorePayload(isPersistent: builder.isPersistent(store)) { site in
                OuterJoinStore(
                    name: site.name, left: leftValue, right: rightValue, backing: site.backing,
                    time: site.task.observedTime(of: site.name), expected: site.task.observedTime(of: site.name + "/expected"))
            })
    }

    @inlinable
    func windowNode<StreamKey, StreamValue, Value>(
        _ store: String, _ side: StreamJoinSide<StreamKey, StreamValue, Key, Value>
    ) -> NodePayload {
        let key = self.key
        return NodePayload { assembly in
            let node = try StreamJoinWindowNode(store: store, side: side, key: key, assembly)
            return NodeInput { (record: Record<StreamKey, StreamValue>) in try node.receive(record) }
        }
    }

    @inlinable
    func leftNode(_ names: StreamJoinNames) -> NodePayload {
        let (join, side, key, windows) = (self.join, leftSide, self.key, self.windows)
        return NodePayload { assembly in
            let node = try StreamJoinNode(
                side: side, key: key, others: names.rightStore, before: windows.before, after: windows.after, matched: join.matched,
                unmatched: join.unmatchedLeft, resultKey: join.resultKey, nullResultKey: join.nullResultKey,
                waiting: try names.outerStore.map { try join.leftWaiting(in: $0, windows, key: key, assembly) }, assembly)
            return NodeInput { (record: Record<LeftKey, LeftValue>) in try node.receive(record) }
        }
    }

    @inlinable
    func rightNode(_ names: StreamJoinNames) -> NodePayload {
        let (join, side, key, windows) = (self.join, rightSide, self.key, self.windows)
        return NodePayload { assembly in
            let node = try StreamJoinNode(
                side: side, key: key, others: names.leftStore, before: windows.after, after: windows.before,
                matched: { key, right, left in try join.matched(key, left, right) }, unmatched: join.unmatchedRight,
                resultKey: join.resultKey, nullResultKey: join.nullResultKey,
                waiting: try names.outerStore.map { try join.rightWaiting(in: $0, windows, key: key, assembly) }, assembly)
            return NodeInput { (record: Record<RightKey, RightValue>) in try node.receive(record) }
        }
    }

    @inlinable
    func selfJoinNode(_ names: StreamJoinNames) -> NodePayload {
        let (join, side, key, windows) = (self.join, leftSide, self.key, self.windows)
        return NodePayload { assembly in
            guard let matched = join.matched as Any as? @Sendable (Key, Left, Left) throws -> Result else {
                throw MillraceError(
                    .topology, "\(names.merge) joins a stream with itself, but reads it as \(Left.self) and as \(Right.self).",
                    node: names.merge)
            }
            let node = try StreamSelfJoinNode(
                side: side, key: key, store: names.leftStore, windows: windows, matched: matched, resultKey: join.resultKey, assembly)
            return NodeInput { (record: Record<LeftKey, LeftValue>) in try node.receive(record) }
        }
    }
}
