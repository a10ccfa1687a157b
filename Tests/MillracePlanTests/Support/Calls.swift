import MillracePlan

/// The calls of Kafka's DSL, reduced to what they add to the graph: names from the counter in Kafka's order, and nodes.
///
/// Payloads are the names again, so that a test can see what went where.
final class Calls {
    let graph = LogicalGraph()

    struct Stream {
        var calls: Calls
        var name: String
        var node: LogicalNode
        var needsRepartition = false
        var sources: [String]
        var repartitionForJoins = RepartitionForJoins()
    }

    /// The repartition that all joins of one stream share.
    final class RepartitionForJoins {
        var node: LogicalNode?
    }

    struct Table {
        var calls: Calls
        var node: LogicalNode
        var sources: [String]
        /// The store that rows of the table are looked up in. Asking makes a table source have one.
        var store: () -> String
    }

    func stream(_ topics: String..., offsetReset: OffsetReset? = nil) -> Stream {
        let name = graph.newProcessorName("KSTREAM-SOURCE-")
        let node = LogicalNode(name, .source(SourceNode(topics: topics, offsetReset: offsetReset, payload: name)))
        graph.add(node, parents: [graph.root])
        return Stream(calls: self, name: name, node: node, sources: [name])
    }

    func table(_ topic: String, store: StoreDeclaration? = nil) -> Table {
        let store = store ?? StoreDeclaration(graph.newStoreName(topic + "-"))
        let isNamed = !store.name.contains("STATE-STORE")
        let source = graph.newProcessorName("KSTREAM-SOURCE-")
        let name = graph.newProcessorName("KTABLE-SOURCE-")
        let node = LogicalNode(
            name,
            .tableSource(
                TableSource(topic: topic, source: PlannedPart(source, payload: source), processor: PlannedPart(name, payload: name))),
            outputIsVersioned: store.historyRetention != nil, store: isNamed ? store : nil)
        graph.add(node, parents: [graph.root])
        return Table(calls: self, node: node, sources: [source]) {
            node.store = store
            return store.name
        }
    }

    func globalTable(_ topic: String, store: String) {
        let source = graph.newProcessorName("KSTREAM-SOURCE-")
        let name = graph.newProcessorName("KTABLE-SOURCE-")
        let table = GlobalTableSource(
            topic: topic, source: PlannedPart(source), processor: PlannedPart(name), store: StoreDeclaration(store))
        graph.add(LogicalNode(name, .globalTableSource(table)), parents: [graph.root])
    }

    /// Where the user gives a name, Kafka still counts on, so that later names stay the same.
    func skipName() {
        _ = graph.newProcessorName("")
    }

    /// The three nodes of a repartition with Kafka's names: generated ones if the topic's name is generated.
    func repartition(_ prefix: String, partitions: Int? = nil, isMergeable: Bool) -> LogicalNode {
        let topic = prefix + "-repartition"
        var sink = graph.newProcessorName("KSTREAM-SINK-")
        var filter = graph.newProcessorName("KSTREAM-FILTER-")
        var source = graph.newProcessorName("KSTREAM-SOURCE-")
        if !(prefix.hasPrefix("KSTREAM") && prefix.suffix(11).first == "-" && prefix.suffix(10).allSatisfy(\.isNumber)) {
            (sink, filter, source) = (topic + "-sink", topic + "-filter", topic + "-source")
        }
        return LogicalNode(
            source,
            .repartition(
                Repartition(
                    topic: topic, partitions: partitions, filter: PlannedPart(filter, payload: filter),
                    sink: PlannedPart(sink, payload: sink), source: PlannedPart(source, payload: source), isMergeable: isMergeable)))
    }
}

extension Calls.Stream {
    private func following(_ prefix: String, isKeyChanging: Bool = false, isValueChanging: Bool = false) -> Calls.Stream {
        let name = calls.graph.newProcessorName(prefix)
        return following(named: name, isKeyChanging: isKeyChanging, isValueChanging: isValueChanging)
    }

    func following(
        named name: String, isKeyChanging: Bool = false, isValueChanging: Bool = false, allowsNullKey: Bool = false,
        stores: [String] = []
    ) -> Calls.Stream {
        let node = LogicalNode(
            name, .steps([.processor(name, stores: stores, payload: name)]), isKeyChanging: isKeyChanging,
            isValueChanging: isValueChanging, allowsNullKey: allowsNullKey)
        calls.graph.add(node, parents: [self.node])
        return Calls.Stream(
            calls: calls, name: name, node: node, needsRepartition: needsRepartition || isKeyChanging, sources: sources)
    }

    func filter() -> Calls.Stream { following("KSTREAM-FILTER-") }
    func mapValues() -> Calls.Stream { following("KSTREAM-MAPVALUES-", isValueChanging: true) }
    func map() -> Calls.Stream { following("KSTREAM-MAP-", isKeyChanging: true) }
    func selectKey() -> Calls.Stream { following("KSTREAM-KEY-SELECT-", isKeyChanging: true) }

    func process(store: StoreDeclaration) -> Calls.Stream {
        let name = calls.graph.newProcessorName("KSTREAM-PROCESSOR-")
        let steps: [PlanStep] = [.processor(name, payload: name), .store(store, processors: [name])]
        let node = LogicalNode(name, .steps(steps), isKeyChanging: true)
        calls.graph.add(node, parents: [self.node])
        return Calls.Stream(calls: calls, name: name, node: node, needsRepartition: true, sources: sources)
    }

    func split(_ name: String, _ branches: [String]) -> [Calls.Stream] {
        calls.skipName()
        let node = following(named: name)
        return branches.map {
            calls.skipName()
            return node.following(named: name + $0)
        }
    }

    func merge(_ other: Calls.Stream) -> Calls.Stream {
        let name = calls.graph.newProcessorName("KSTREAM-MERGE-")
        let node = LogicalNode(name, .steps([.processor(name, payload: name)]), isMerge: true)
        calls.graph.add(node, parents: [self.node, other.node])
        return Calls.Stream(
            calls: calls, name: name, node: node, needsRepartition: needsRepartition || other.needsRepartition,
            sources: sources + other.sources)
    }

    func to(_ topic: String?) {
        let name = calls.graph.newProcessorName("KSTREAM-SINK-")
        let target = topic.map { SinkTarget.topic($0) } ?? .dynamic
        calls.graph.add(LogicalNode(name, .steps([.sink(name, to: target, payload: name)])), parents: [node])
    }

    func repartition(_ name: String? = nil, partitions: Int? = nil) -> Calls.Stream {
        let name = name ?? calls.graph.newProcessorName("KSTREAM-REPARTITION-")
        return repartitioned(name, partitions: partitions, isMergeable: false)
    }

    private func repartitionedForJoin() -> Calls.Stream {
        guard let node = repartitionForJoins.node else {
            let result = repartitioned(name)
            repartitionForJoins.node = result.node
            return result
        }
        let unused = calls.repartition(name, isMergeable: true)
        return Calls.Stream(calls: calls, name: unused.name, node: node, sources: [node.name])
    }

    private func repartitioned(_ name: String, partitions: Int? = nil, isMergeable: Bool = true) -> Calls.Stream {
        let repartition = calls.repartition(name, partitions: partitions, isMergeable: isMergeable)
        calls.graph.add(repartition, parents: [node])
        return Calls.Stream(calls: calls, name: repartition.name, node: repartition, sources: [repartition.name])
    }

    /// `groupByKey().reduce()`, or another aggregation.
    func aggregate(_ kind: String = "AGGREGATE", store: String? = nil, grouping: String? = nil) -> Calls.Table {
        let store = store ?? calls.graph.newStoreName("KSTREAM-\(kind)-")
        let name = calls.graph.newProcessorName("KSTREAM-\(kind)-")
        let input = needsRepartition ? repartitioned(grouping ?? store) : self
        let node = LogicalNode(
            name, .steps([.processor(name, payload: name)]), outputIsVersioned: false, store: StoreDeclaration(store))
        calls.graph.add(node, parents: [input.node])
        return Calls.Table(calls: calls, node: node, sources: input.sources) { store }
    }

    /// `count()` without a name for its store, which takes one number more.
    func count(grouping: String? = nil) -> Calls.Table {
        calls.skipName()
        return aggregate(grouping: grouping)
    }

    func groupBy(_ name: String? = nil) -> Calls.Stream {
        let generated = calls.graph.newProcessorName("KSTREAM-KEY-SELECT-")
        return following(named: name ?? generated, isKeyChanging: true)
    }

    func toTable() -> Calls.Table {
        let name = calls.graph.newProcessorName("KSTREAM-TOTABLE-")
        let store = StoreDeclaration(calls.graph.newStoreName("KSTREAM-TOTABLE-"))
        let input = needsRepartition ? repartitioned(name) : self
        let node = LogicalNode(name, .steps([.processor(name, payload: name)]), outputIsVersioned: false)
        calls.graph.add(node, parents: [input.node])
        return Calls.Table(calls: calls, node: node, sources: input.sources) {
            node.store = store
            return store.name
        }
    }

    /// Joins two streams; `left` and `outer` say whether records without a partner on the right, and on the left, have a result.
    func join(_ other: Calls.Stream, left: Bool = false, outer: Bool = false) -> Calls.Stream {
        let this = needsRepartition ? repartitionedForJoin() : self
        let other = other.needsRepartition ? other.repartitionedForJoin() : other
        let graph = calls.graph
        graph.copartition(this.sources + other.sources)
        let leftWindowed = graph.newProcessorName("KSTREAM-WINDOWED-")
        let rightWindowed = graph.newProcessorName("KSTREAM-WINDOWED-")
        let leftJoin = graph.newProcessorName(outer ? "KSTREAM-OUTERTHIS-" : "KSTREAM-JOINTHIS-")
        let rightJoin = graph.newProcessorName(left ? "KSTREAM-OUTEROTHER-" : "KSTREAM-JOINOTHER-")
        let merge = graph.newProcessorName("KSTREAM-MERGE-")
        _ = this.following(named: leftWindowed)
        _ = other.following(named: rightWindowed)
        let join = StreamStreamJoin(
            leftWindowed: leftWindowed, rightWindowed: rightWindowed, leftJoin: PlannedPart(leftJoin, payload: leftJoin),
            rightJoin: PlannedPart(rightJoin, payload: rightJoin), merge: PlannedPart(merge, payload: merge),
            leftStore: StoreDeclaration(leftJoin + "-store"), rightStore: StoreDeclaration(rightJoin + "-store"),
            outerStore: left ? StoreDeclaration("KSTREAM-OUTERSHARED-\(leftJoin.suffix(10))-store") : nil,
            selfJoinPayload: "self join")
        let node = LogicalNode(merge, .streamStreamJoin(join), allowsNullKey: left || outer)
        graph.add(node, parents: [this.node, other.node])
        return Calls.Stream(calls: calls, name: merge, node: node, sources: this.sources + other.sources)
    }

    func join(_ table: Calls.Table, left: Bool = false) -> Calls.Stream {
        let this = needsRepartition ? repartitionedForJoin() : self
        calls.graph.copartition(this.sources + table.sources)
        let name = calls.graph.newProcessorName(left ? "KSTREAM-LEFTJOIN-" : "KSTREAM-JOIN-")
        var result = this.following(named: name, allowsNullKey: left, stores: [table.store()])
        result.sources += table.sources
        return result
    }

    func joinGlobal() -> Calls.Stream { following("KSTREAM-LEFTJOIN-") }
}

extension Calls.Table {
    private func following(_ name: String, steps: [PlanStep], store: @escaping () -> String) -> Calls.Table {
        let node = LogicalNode(name, .steps(steps))
        calls.graph.add(node, parents: [self.node])
        return Calls.Table(calls: calls, node: node, sources: sources, store: store)
    }

    func filter() -> Calls.Table {
        let name = calls.graph.newProcessorName("KTABLE-FILTER-")
        return following(name, steps: [.processor(name, payload: name)], store: store)
    }

    func toStream() -> Calls.Stream {
        let name = calls.graph.newProcessorName("KTABLE-TOSTREAM-")
        let node = LogicalNode(name, .steps([.processor(name, payload: name)]))
        calls.graph.add(node, parents: [self.node])
        return Calls.Stream(calls: calls, name: name, node: node, sources: sources)
    }

    /// Needs old values, and so the rows of the table before it.
    func suppress() -> Calls.Table {
        _ = self.store()
        let name = calls.graph.newProcessorName("KTABLE-SUPPRESS-")
        let buffer = StoreDeclaration(calls.graph.newStoreName("KTABLE-SUPPRESS-"))
        let node = LogicalNode(name, .steps([.processor(name, payload: name)]), refusesVersionedInput: true, store: buffer)
        calls.graph.add(node, parents: [self.node])
        return Calls.Table(calls: calls, node: node, sources: sources) { buffer.name }
    }

    /// `groupBy(...).aggregate(...)`: through a topic without a filter.
    func regroup(_ grouping: String, store: String) -> Calls.Table {
        _ = self.store()
        calls.skipName()
        let select = following(grouping, steps: [.processor(grouping, payload: grouping)], store: self.store)
        let sink = calls.graph.newProcessorName("KSTREAM-SINK-")
        let source = calls.graph.newProcessorName("KSTREAM-SOURCE-")
        let name = calls.graph.newProcessorName("KTABLE-AGGREGATE-")
        let repartition = LogicalNode(
            source,
            .repartition(
                Repartition(
                    topic: grouping + "-repartition", filter: nil, sink: PlannedPart(sink), source: PlannedPart(source),
                    isMergeable: false)))
        calls.graph.add(repartition, parents: [select.node])
        let node = LogicalNode(
            name, .steps([.processor(name, payload: name)]), outputIsVersioned: false, store: StoreDeclaration(store))
        calls.graph.add(node, parents: [repartition])
        return Calls.Table(calls: calls, node: node, sources: [source]) { store }
    }

    func join(_ other: Calls.Table, store: String) -> Calls.Table {
        let graph = calls.graph
        let merge = graph.newProcessorName("KTABLE-MERGE-")
        let left = graph.newProcessorName("KTABLE-JOINTHIS-")
        let right = graph.newProcessorName("KTABLE-JOINOTHER-")
        graph.copartition(sources + other.sources)
        let steps: [PlanStep] = [
            .processor(left, parents: [node.name], payload: left),
            .processor(right, parents: [other.node.name], payload: right),
            .processor(merge, parents: [left, right], payload: merge),
            .connect(left, stores: [other.store()]),
            .connect(right, stores: [self.store()]),
        ]
        let node = LogicalNode(merge, .steps(steps), store: StoreDeclaration(store))
        graph.add(node, parents: [self.node, other.node])
        return Calls.Table(calls: calls, node: node, sources: sources + other.sources) { store }
    }
}
