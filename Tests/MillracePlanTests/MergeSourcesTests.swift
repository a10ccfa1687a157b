import MillraceCore
import MillracePlan
import Testing

@Suite struct MergeSourcesTests {
    @Test func streamsOfTheSameTopicsShareASource() throws {
        let calls = Calls()
        calls.stream("a", "b").filter().to("out1")
        calls.stream("b", "a").map().to("out2")
        let topology = try calls.graph.build()
        #expect(topology.subtopologies.count == 1)
        let nodes = topology.subtopologies[0].nodes
        #expect(nodes.filter { $0.parents.isEmpty }.map(\.name) == ["KSTREAM-SOURCE-0000000000"])
        #expect(nodes[0].children == ["KSTREAM-FILTER-0000000001", "KSTREAM-MAP-0000000004"])
    }

    @Test func topicNamedTwiceByOneStreamIsReadOnce() throws {
        let calls = Calls()
        calls.stream("a", "a").to("out")
        #expect(try calls.graph.build().subtopologies[0].sourceTopics == ["a"])
    }

    @Test func overlappingButUnequalTopicsAreAnError() {
        let calls = Calls()
        calls.stream("a").to("out1")
        calls.stream("a", "b").to("out2")
        expectError("not the same list of topics", names: ["KSTREAM-SOURCE-0000000000", "KSTREAM-SOURCE-0000000002"]) {
            try calls.graph.build()
        }
    }

    @Test func differentOffsetResetsAreAnError() {
        let calls = Calls()
        calls.stream("a", offsetReset: .earliest).to("out1")
        calls.stream("a").to("out2")
        expectError("different offsets", names: ["a"]) { try calls.graph.build() }
    }

    @Test func joinOfMergedSourcesIsStillCopartitioned() throws {
        let calls = Calls()
        calls.stream("a").to("out1")
        let (left, right) = (calls.stream("b"), calls.stream("a"))
        left.join(right).to("out2")
        #expect(try calls.graph.build().subtopologies.map(\.copartitionGroups) == [[["b", "a"]]])
    }
}

@Suite struct ReuseSourceTopicsTests {
    private func changelogs(_ optimizations: TopologyOptimizations) throws -> [PlannedStore.Changelog] {
        let calls = Calls()
        let table = calls.table("t")
        calls.stream("s").join(table).toTable().suppress().toStream().to("out")
        return try calls.graph.build(optimizations).subtopologies.flatMap(\.stores).map(\.changelog)
    }

    @Test func tableRestoresFromItsTopicOnlyWhenAsked() throws {
        let derived = [
            PlannedStore.Changelog.own(topic: "KSTREAM-TOTABLE-STATE-STORE-0000000006-changelog"),
            .own(topic: "KTABLE-SUPPRESS-STATE-STORE-0000000008-changelog"),
        ]
        #expect(try changelogs([]) == [.own(topic: "t-STATE-STORE-0000000000-changelog")] + derived)
        #expect(try changelogs(.reuseSourceTopics) == [.sourceTopic("t")] + derived)
    }

    @Test func unloggedStoreHasNoChangelog() throws {
        let calls = Calls()
        _ = calls.stream("s").process(store: StoreDeclaration("p", isLogged: false))
        #expect(try calls.graph.build().subtopologies[0].stores.map(\.changelog) == [.none])
    }
}
