import MillraceCore
import MillracePlan
import Testing

@Suite struct TopologyBuilderErrorTests {
    /// A source `s` of topic `t`, a processor `p` and a sink `k` after it.
    private func builder() throws -> TopologyBuilder {
        var builder = TopologyBuilder()
        try builder.addSource("s", topics: ["t"], payload: ())
        try builder.addProcessor("p", parents: ["s"], payload: ())
        try builder.addSink("k", to: .topic("out"), parents: ["p"], payload: ())
        return builder
    }

    private func expect(_ phrase: String, names: [String], _ change: (inout TopologyBuilder) throws -> Void) throws {
        var builder = try builder()
        expectError(phrase, names: names) { try change(&builder) }
    }

    @Test func duplicateName() throws {
        try expect("already", names: ["p"]) { try $0.addProcessor("p", parents: ["s"], payload: ()) }
        try expect("already", names: ["s"]) { try $0.addSource("s", topics: ["other"], payload: ()) }
        try expect("already", names: ["k"]) { try $0.addSink("k", to: .dynamic, parents: ["p"], payload: ()) }
    }

    @Test func unknownParent() throws {
        try expect("not in the topology", names: ["q", "nobody"]) { try $0.addProcessor("q", parents: ["nobody"], payload: ()) }
    }

    @Test func noParent() throws {
        try expect("no parent", names: ["q"]) { try $0.addSink("q", to: .topic("x"), parents: [], payload: ()) }
    }

    @Test func ownParent() throws {
        try expect("its own parent", names: ["q"]) { try $0.addProcessor("q", parents: ["q"], payload: ()) }
    }

    @Test func sinkAsParent() throws {
        try expect("is a sink", names: ["q", "k"]) { try $0.addProcessor("q", parents: ["k"], payload: ()) }
    }

    @Test func topicReadTwice() throws {
        try expect("already", names: ["t", "s", "s2"]) { try $0.addSource("s2", topics: ["t"], payload: ()) }
        try expect("already", names: ["t"]) {
            try $0.addGlobalStore(StoreDeclaration("g"), topic: "t", source: PlannedPart("gs"), processor: PlannedPart("gp"))
        }
    }

    @Test func sourceWithoutTopics() throws {
        try expect("reads no topic", names: ["s2"]) { try $0.addSource("s2", topics: [], payload: ()) }
    }

    @Test func unknownStore() throws {
        try expect("nobody declared", names: ["p", "nosuch"]) { try $0.connect("p", stores: ["nosuch"]) }
    }

    @Test func storeOfAnUnknownProcessor() throws {
        try expect("not in the topology", names: ["x", "nobody"]) { try $0.addStore(StoreDeclaration("x"), processors: ["nobody"]) }
    }

    @Test func storeOfASink() throws {
        try expect("Only processors", names: ["x", "k"]) { try $0.addStore(StoreDeclaration("x"), processors: ["k"]) }
    }

    @Test func twoStoresOfOneName() throws {
        try expect("declared twice", names: ["x"]) {
            try $0.addStore(StoreDeclaration("x"))
            try $0.addStore(StoreDeclaration("x"))
        }
    }

    @Test func globalStoreIsNotConnected() throws {
        let global = { (builder: inout TopologyBuilder) throws in
            try builder.addGlobalStore(StoreDeclaration("g"), topic: "gt", source: PlannedPart("gs"), processor: PlannedPart("gp"))
        }
        try expect("may read anyway", names: ["p", "g"]) {
            try global(&$0)
            try $0.connect("p", stores: ["g"])
        }
        try expect("fills a global store", names: ["q", "gp"]) {
            try global(&$0)
            try $0.addProcessor("q", parents: ["gp"], payload: ())
        }
        try expect("another store", names: ["g"]) {
            try $0.addStore(StoreDeclaration("g"))
            try global(&$0)
        }
    }

    @Test func internalTopicWantedTwice() throws {
        try expect("Two operations want", names: ["x-repartition"]) {
            try $0.addInternalTopic(.repartition("x-repartition"))
            try $0.addInternalTopic(.repartition("x-repartition", partitions: 2))
        }
    }

    @Test func emptyTopology() {
        expectError("empty") { try TopologyBuilder().build() }
        expectError("empty") { try LogicalGraph().build() }
    }

    @Test func fixedPartitionsOfJoinedTopicsDiffer() throws {
        func join(_ left: Int?, _ right: Int?) throws -> PhysicalTopology {
            let calls = Calls()
            let stream = calls.stream("t")
            stream.repartition("l", partitions: left).join(stream.repartition("r", partitions: right)).to("out")
            return try calls.graph.build()
        }
        expectError("equally many partitions", names: ["l-repartition has 2", "r-repartition has 3"]) { try join(2, 3) }
        #expect(try join(2, 2).internalTopics["l-repartition"]?.partitions == 2)
        #expect(try join(2, nil).subtopologies[1].copartitionGroups == [["l-repartition", "r-repartition"]])
    }

    @Test(arguments: ["", ".", "..", "a b", "x:y", "a/b", "é", String(repeating: "n", count: 250)])
    func illegalName(_ name: String) {
        expectError("name") { try LegalName.check(name) }
    }

    @Test(arguments: ["a", "...", "Clicks_per.user-2", String(repeating: "n", count: 249)])
    func legalName(_ name: String) throws {
        try LegalName.check(name)
    }
}

@Suite struct SubtopologyTests {
    @Test func numbersFollowTheFirstNodeOfEachGroup() throws {
        var builder = TopologyBuilder()
        try builder.addSource("a", topics: ["a"], payload: ())
        try builder.addGlobalStore(
            StoreDeclaration("g"), topic: "g", source: PlannedPart("gs", payload: "from"), processor: PlannedPart("gp", payload: "into"))
        try builder.addSource("b", topics: ["b"], payload: ())
        try builder.addProcessor("pb", parents: ["b"], payload: ())
        try builder.addProcessor("pa", parents: ["a"], payload: ())
        let topology = try builder.build()
        #expect(topology.subtopologies.map(\.id) == [0, 2])
        #expect(topology.subtopologies.map { $0.nodes.map(\.name) } == [["a", "pa"], ["b", "pb"]])
        let global = try #require(topology.globalStores.first)
        #expect((global.id, global.topic, global.source.name, global.processor.name) == (1, "g", "gs", "gp"))
        #expect(global.source.payload as? String == "from")
        #expect(global.processor.payload as? String == "into")
        #expect(!global.store.isLogged)
    }

    @Test func sharedStoreMakesOneSubtopology() throws {
        var builder = TopologyBuilder()
        for name in ["a", "b", "c"] {
            try builder.addSource(name, topics: [name], payload: ())
            try builder.addProcessor("p" + name, parents: [name], payload: ())
        }
        let store = StoreDeclaration("shared")
        try builder.addStore(store, processors: ["pa"])
        try builder.addStore(store, processors: ["pc"])
        let topology = try builder.build()
        #expect(topology.subtopologies.map { $0.nodes.map(\.name) } == [["a", "pa", "c", "pc"], ["b", "pb"]])
        #expect(topology.subtopologies[0].stores.map(\.declaration.name) == ["shared"])
    }

    @Test func unusedStoresAreToldApart() throws {
        let calls = Calls()
        calls.graph.addStore(StoreDeclaration("unused"))
        calls.stream("t").to("out")
        let topology = try calls.graph.build()
        #expect(topology.unusedStores == ["unused"])
        #expect(topology.subtopologies[0].stores.isEmpty)
    }

    @Test func copartitionGroupsThatShareATopicAreOne() throws {
        let calls = Calls()
        let (a, b, c, d) = (calls.stream("a"), calls.stream("b"), calls.stream("c"), calls.stream("d"))
        a.join(b).to("out1")
        c.join(d).to("out2")
        b.join(c).to("out3")
        let part = try calls.graph.build().subtopologies[0]
        #expect(part.copartitionGroups == [["a", "b", "c", "d"]])
        // Kafka Streams adds the third to the first only, and tells brokers so.
        #expect(part.declaredCopartitions == [["a", "b", "c"], ["c", "d"]])
    }

    @Test func repartitionTopicHasKafkasSettings() throws {
        let calls = Calls()
        calls.stream("t").repartition("x", partitions: 7).to("out")
        let topology = try calls.graph.build()
        let topic = InternalTopic(
            "x-repartition", partitions: 7,
            settings: [
                "cleanup.policy": "delete", "retention.ms": "-1", "segment.bytes": "52428800",
                "message.timestamp.type": "CreateTime",
            ])
        #expect(topology.subtopologies[1].internalTopics == [topic])
        #expect(topology.subtopologies[0].sinkTopics == ["x-repartition"])
        #expect(topology.subtopologies[1].sinkTopics == ["out"])
    }

    /// Each aggregation of a named grouping adds its repartition again; what follows is written after the last of them, as in Kafka.
    @Test func nodeAddedAgainIsWrittenLater() throws {
        let graph = LogicalGraph()
        func node(_ name: String) -> LogicalNode { LogicalNode(name, .steps([.processor(name, payload: ())])) }
        let source = LogicalNode("s", .source(SourceNode(topics: ["t"], payload: ())))
        let (first, second) = (node("first"), node("second"))
        graph.add(source, parents: [graph.root])
        graph.add(first, parents: [source])
        graph.add(second, parents: [source])
        #expect(try graph.build().subtopologies[0].nodes.map(\.name) == ["s", "first", "second"])
        graph.add(first, parents: [source])
        #expect(try graph.build().subtopologies[0].nodes.map(\.name) == ["s", "second", "first"])
    }

    @Test func namesShareACounter() {
        let graph = LogicalGraph()
        #expect(graph.newProcessorName("KSTREAM-MAP-") == "KSTREAM-MAP-0000000000")
        #expect(graph.newStoreName("KSTREAM-AGGREGATE-") == "KSTREAM-AGGREGATE-STATE-STORE-0000000001")
    }

    @Test func nodesThatAreReachedTwiceCountTwice() throws {
        var builder = TopologyBuilder()
        try builder.addSource("a", topics: ["a"], payload: ())
        try builder.addProcessor("long1", parents: ["a"], payload: ())
        try builder.addProcessor("wide", parents: ["a"], payload: ())
        try builder.addProcessor("left", parents: ["wide"], payload: ())
        try builder.addProcessor("right", parents: ["wide"], payload: ())
        try builder.addProcessor("long2", parents: ["long1"], payload: ())
        try builder.addProcessor("long3", parents: ["long2"], payload: ())
        try builder.addProcessor("long4", parents: ["long3"], payload: ())
        try builder.addSink("end", to: .topic("out"), parents: ["left", "right"], payload: ())
        let names = try builder.build().describe().split(separator: "\n").compactMap { line in
            [" Source: ", " Processor: ", " Sink: "].lazy.compactMap { line.firstRange(of: $0) }.first.map { range in
                String(line[range.upperBound...].prefix { $0 != " " })
            }
        }
        // wide counts 5 (left and right with an end each), so it precedes long1 with 4.
        #expect(names == ["a", "wide", "long1", "long2", "left", "long3", "right", "end", "long4"])
    }

    @Test func graphvizDrawsNodesTopicsAndStores() throws {
        var builder = TopologyBuilder()
        try builder.addSource("s", topics: ["in"], payload: ())
        try builder.addProcessor("say \"p\"", parents: ["s"], payload: ())
        try builder.addStore(StoreDeclaration("x"), processors: ["say \"p\""])
        try builder.addSink("k", to: .topic("out"), parents: ["say \"p\""], payload: ())
        #expect(
            try builder.build().graphviz() == """
                digraph topology {
                  subgraph cluster_0 {
                    label="subtopology 0"
                    "s" [shape=box]
                    "say \\"p\\"" [shape=box]
                    "k" [shape=box]
                    "store x" [label="x", shape=cylinder]
                  }
                  "topic in" -> "s"
                  "s" -> "say \\"p\\""
                  "say \\"p\\"" -> "store x" [style=dashed, dir=none]
                  "say \\"p\\"" -> "k"
                  "k" -> "topic out"
                  "topic in" [label="in", shape=cds]
                  "topic out" [label="out", shape=cds]
                }

                """)
    }
}
