import MillraceCore
import MillracePlan

/// One join of two streams on its way into the plan: names, stores, nodes.
///
/// Kafka: `KStreamImplJoin`.
struct StreamJoinPlan<LeftKey, LeftValue, RightKey, RightValue, Key, ResultKey, Left, Right, Result> {
    let left: KStream<LeftKey, LeftValue>
    let right: KStream<RightKey, RightValue>
    let leftSide: StreamJoinSide<LeftKey, LeftValue, Key, Left>
    let rightSide: StreamJoinSide<RightKey, RightValue, Key, Right>
    let key: Serde<Key>
    let leftValue: Serde<Left>
    let rightValue: Serde<Right>
    let windows: JoinWindows
    let join: StreamJoin<Key, ResultKey, Left, Right, Result>
    let store: Materialized
    let named: String?

    private var builder: StreamsBuilder { left.builder }
    private var storeName: String? { store.name }

    /// The names of the nodes and stores, taken in Kafka's order.
    private struct Names {
        let leftWindowed: String
        let rightWindowed: String
        let leftJoin: String
        let rightJoin: String
        let merge: String
        let leftStore: String
        let rightStore: String
        let outerStore: String?
    }

    private func takeNames() -> Names {
        func name(_ prefix: String, _ suffix: String) -> String { builder.name(named, prefix: prefix, suffix: suffix) }
        let isLeftOuter = join.unmatchedLeft != nil
        let isRightOuter = join.unmatchedRight != nil
        let leftSuffix = isRightOuter ? "-outer-this-join" : "-this-join"
        let rightSuffix = isLeftOuter ? "-outer-other-join" : "-other-join"
        let leftWindowed = name("KSTREAM-WINDOWED-", "-this-windowed")
        let rightWindowed = name("KSTREAM-WINDOWED-", "-other-windowed")
        let leftPrefix = isRightOuter ? "KSTREAM-OUTERTHIS-" : "KSTREAM-JOINTHIS-"
        let generatedLeft = builder.graph.newProcessorName(leftPrefix)
        let generatedRight = builder.graph.newProcessorName(isLeftOuter ? "KSTREAM-OUTEROTHER-" : "KSTREAM-JOINOTHER-")
        var outerStore: String?
        if isLeftOuter {
            let shared = "KSTREAM-OUTERSHARED-" + generatedLeft.dropFirst(leftPrefix.count)
            outerStore = (storeName.map { $0 + (isRightOuter ? "-outer-shared-join" : "-left-shared-join") } ?? shared) + "-store"
        }
        return Names(
            leftWindowed: leftWindowed, rightWindowed: rightWindowed, leftJoin: named.map { $0 + leftSuffix } ?? generatedLeft,
            rightJoin: named.map { $0 + rightSuffix } ?? generatedRight, merge: name("KSTREAM-MERGE-", "-merge"),
            leftStore: (storeName.map { $0 + leftSuffix } ?? generatedLeft) + "-store",
            rightStore: (storeName.map { $0 + rightSuffix } ?? generatedRight) + "-store", outerStore: outerStore)
    }

    /// Adds the join to the graph.
    func stream(
        repartitionKey leftKey: Serde<LeftKey>, _ rightKey: Serde<RightKey>, value leftStreamValue: Serde<LeftValue>,
        _ rightStreamValue: Serde<RightValue>, resultKeySerde: Serde<ResultKey>?
    ) -> KStream<ResultKey, Result> {
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
        let left = left.repartitionedForJoin(named: named.map { $0 + "-left" }, key: leftKey, value: leftStreamValue)
        let right = right.repartitionedForJoin(named: named.map { $0 + "-right" }, key: rightKey, value: rightStreamValue)
        builder.graph.copartition((left.sources.union(right.sources)).sorted())

        let names = takeNames()
        builder.checkIsSame(as: right.builder, at: names.merge)
        _ = builder.addProcessor(names.leftWindowed, parents: [left.node], windowNode(names.leftStore, leftSide))
        _ = builder.addProcessor(names.rightWindowed, parents: [right.node], windowNode(names.rightStore, rightSide))
        let node = LogicalNode(
            names.merge,
            .streamStreamJoin(
                StreamStreamJoin(
                    leftWindowed: names.leftWindowed, rightWindowed: names.rightWindowed,
                    leftJoin: PlannedPart(names.leftJoin, payload: leftNode(names)),
                    rightJoin: PlannedPart(names.rightJoin, payload: rightNode(names)),
                    merge: PlannedPart(
                        names.merge, payload: NodePayload { NodeInput(try $0.output(ResultKey.self, Result.self)) }),
                    leftStore: declaration(names.leftStore, leftValue), rightStore: declaration(names.rightStore, rightValue),
                    outerStore: names.outerStore.map(outerDeclaration), selfJoinPayload: selfJoinNode(names))),
            allowsNullKey: join.unmatchedLeft != nil || join.unmatchedRight != nil)
        builder.graph.add(node, parents: [left.node, right.node])
        return KStream(
            builder: builder, node: node, name: names.merge, key: resultKeySerde, value: nil, sources: left.sources.union(right.sources),
            needsRepartition: false)
    }

    private func declaration<Value>(_ name: String, _ value: Serde<Value>) -> StoreDeclaration {
        let retention = windows.retention
        let isPersistent = builder.isPersistent(store)
        return StoreDeclaration(
            name, isLogged: store.isLogged,
            changelogSettings: store.changelogSettings(
                beside: ["cleanup.policy": "delete", "retention.ms": "\(retention.addingClamped(86_400_000))"]),
            payload: StorePayload(isPersistent: isPersistent) { site in
                try JoinStore(name: site.name, value: value, retention: retention, nullsMoveTime: !isPersistent, backing: site.backing)
            })
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

    private func windowNode<StreamKey, StreamValue, Value>(
        _ store: String, _ side: StreamJoinSide<StreamKey, StreamValue, Key, Value>
    ) -> NodePayload {
        let key = self.key
        return NodePayload { assembly in
            let node = try StreamJoinWindowNode(store: store, side: side, key: key, assembly)
            return NodeInput { (record: Record<StreamKey, StreamValue>) in try node.receive(record) }
        }
    }

    private func leftNode(_ names: Names) -> NodePayload {
        let (join, side, key, windows) = (self.join, leftSide, self.key, self.windows)
        return NodePayload { assembly in
            let waiting = try names.outerStore.map { name in
                let (store, release) = try join.waiting(in: name, windows, key: key, assembly)
                let output: Output<ResultKey, Result> = try assembly.output()
                // One of the two nodes is enough: a release gives out the records of both sides.
                assembly.whenIdle { time in
                    store.advance(to: time.milliseconds)
                    try release(time, Headers(), output)
                }
                return StreamJoinWaiting<ResultKey, Left, Right, Result>(
                    advance: { store.advance(to: $0) }, streamTime: { store.streamTime },
                    add: { key, value, time in
                        store.expect(time)
                        try store.left.add(key, value, at: time)
                    },
                    removeOther: { key, time, now in try store.right.remove(key, at: time, now: now) },
                    release: { now, headers, output in
                        if store.isReleaseDue(after: windows.leftWait) { try release(now, headers, output) }
                    })
            }
            let node = try StreamJoinNode(
                side: side, key: key, others: names.rightStore, before: windows.before, after: windows.after, matched: join.matched,
                unmatched: join.unmatchedLeft, resultKey: join.resultKey, nullResultKey: join.nullResultKey, waiting: waiting, assembly)
            return NodeInput { (record: Record<LeftKey, LeftValue>) in try node.receive(record) }
        }
    }

    private func rightNode(_ names: Names) -> NodePayload {
        let (join, side, key, windows) = (self.join, rightSide, self.key, self.windows)
        return NodePayload { assembly in
            let waiting = try names.outerStore.map { name in
                let (store, release) = try join.waiting(in: name, windows, key: key, assembly)
                return StreamJoinWaiting<ResultKey, Right, Left, Result>(
                    advance: { store.advance(to: $0) }, streamTime: { store.streamTime },
                    add: { key, value, time in
                        store.expect(time)
                        try store.right.add(key, value, at: time)
                    },
                    removeOther: { key, time, now in try store.left.remove(key, at: time, now: now) },
                    release: { now, headers, output in
                        if store.isReleaseDue(after: windows.rightWait) { try release(now, headers, output) }
                    })
            }
            let node = try StreamJoinNode(
                side: side, key: key, others: names.leftStore, before: windows.after, after: windows.before,
                matched: { key, right, left in try join.matched(key, left, right) }, unmatched: join.unmatchedRight,
                resultKey: join.resultKey, nullResultKey: join.nullResultKey, waiting: waiting, assembly)
            return NodeInput { (record: Record<RightKey, RightValue>) in try node.receive(record) }
        }
    }

    private func selfJoinNode(_ names: Names) -> NodePayload {
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

extension JoinWindows {
    /// How long a record of the left waits for a partner, and one of the right.
    var leftWait: Int64 { after.addingClamped(grace) }
    var rightWait: Int64 { before.addingClamped(grace) }
}

extension StreamJoin {
    typealias Release = (Timestamp, Headers, Output<ResultKey, Result>) throws -> Void

    /// The store of waiting records, and how those that waited in vain are sent.
    func waiting(
        in store: String, _ windows: JoinWindows, key: Serde<Key>, _ assembly: NodeAssembly
    ) throws -> (OuterJoinStore<Left, Right>, Release) {
        let store: OuterJoinStore<Left, Right> = try assembly.task.store(store)
        let site = assembly.site
        let join = self
        let release: Release = { now, headers, output in
            func send<Value>(_ group: WaitingRecords<Value>.Group, _ unmatched: (@Sendable (ResultKey, Value) throws -> Result)?) throws {
                guard let unmatched else { return }
                let key = try group.bytes.withUnsafeBytes { try key.read(UnsafeRawBufferPointer(rebasing: $0[8...])) }
                for value in group.values {
                    try site.task.releasing {
                        let result: Result
                        do { result = try unmatched(join.resultKey(key), value) } catch { throw site.failure(error) }
                        try output.send(
                            Record(
                                key: join.resultKey(key), value: result, timestamp: Timestamp(milliseconds: group.time), headers: headers))
                    }
                }
            }
            try store.release(
                leftWait: windows.leftWait, rightWait: windows.rightWait, now: now, left: { try send($0, join.unmatchedLeft) },
                right: { try send($0, join.unmatchedRight) })
        }
        return (store, release)
    }
}
