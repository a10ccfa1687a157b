import MillracePlan
import Testing

@Suite struct MergeRepartitionsTests {
    private func topics(_ write: (Calls) -> Void, _ optimizations: TopologyOptimizations = .mergeRepartitionTopics) throws -> [String] {
        let calls = Calls()
        write(calls)
        return try calls.graph.build(optimizations).internalTopics.keys.sorted()
    }

    @Test func oneTopicServesAllThatFollowAChangeOfKey() throws {
        func program(_ calls: Calls) {
            let rekeyed = calls.stream("t").selectKey()
            _ = rekeyed.filter().aggregate(store: "a")
            _ = rekeyed.aggregate(store: "b")
        }
        #expect(try topics(program, []) == ["a-repartition", "b-repartition"])
        #expect(try topics(program) == ["a-repartition"])
    }

    @Test func topicStaysBelowAChangeOfValues() throws {
        let topics = try topics { calls in
            let rekeyed = calls.stream("t").selectKey()
            _ = rekeyed.aggregate(store: "a")
            _ = rekeyed.mapValues().aggregate(store: "b")
        }
        #expect(topics == ["a-repartition", "b-repartition"])
    }

    @Test func repartitionByHandStays() throws {
        let topics = try topics { calls in
            let rekeyed = calls.stream("t").selectKey()
            _ = rekeyed.aggregate(store: "a")
            rekeyed.repartition("hand").to("out")
        }
        #expect(topics == ["a-repartition", "hand-repartition"])
    }

    @Test func topicComesAfterTheMergeOfTwoNewKeys() throws {
        let calls = Calls()
        let (left, right) = (calls.stream("l").selectKey(), calls.stream("r").selectKey())
        let merged = left.merge(right)
        _ = merged.aggregate(store: "a")
        _ = merged.aggregate(store: "b")
        let topology = try calls.graph.build(.mergeRepartitionTopics)
        #expect(topology.internalTopics.keys.sorted() == ["a-repartition"])
        let filter = try #require(topology.subtopologies.flatMap(\.nodes).first { $0.name == "a-repartition-filter" })
        #expect(filter.parents == [merged.name])
    }

    /// Kafka fails here: the second repartition finds the split gone from below the change of key.
    @Test func splitBetweenChangeOfKeyAndGroupings() throws {
        let calls = Calls()
        let branches = calls.stream("t").selectKey().split("s-", ["x", "y"])
        _ = branches[1].aggregate(store: "a")
        _ = branches[1].aggregate(store: "b")
        let topology = try calls.graph.build(.mergeRepartitionTopics)
        #expect(topology.internalTopics.keys.sorted() == ["a-repartition"])
        let nodes = topology.subtopologies[1].nodes
        #expect(nodes.first { $0.name == "s-" }?.parents == ["a-repartition-source"])
        #expect(nodes.first { $0.name == "s-y" }?.children == ["KSTREAM-AGGREGATE-0000000005", "KSTREAM-AGGREGATE-0000000009"])
    }

    /// Kafka takes the second topic out here, and lets the right stream's new keys into the count unpartitioned.
    @Test func topicStaysWhereAnotherStreamWouldBypassTheSingleOne() throws {
        let topics = try topics { calls in
            let (left, right) = (calls.stream("l").selectKey(), calls.stream("r").selectKey())
            _ = left.aggregate(store: "a")
            _ = left.merge(right).aggregate(store: "b")
        }
        #expect(topics == ["a-repartition", "b-repartition"])
    }

    /// Kafka takes the second topic out too, but does not see to it that both streams are partitioned alike.
    @Test func streamWithOldKeysIsCopartitionedWithTheSingleTopic() throws {
        let calls = Calls()
        let (left, right) = (calls.stream("l").selectKey(), calls.stream("r"))
        _ = left.aggregate(store: "a")
        _ = left.merge(right.filter()).aggregate(store: "b")
        let topology = try calls.graph.build(.mergeRepartitionTopics)
        #expect(topology.internalTopics.keys.sorted() == ["a-repartition"])
        #expect(topology.subtopologies.flatMap(\.copartitionGroups) == [["a-repartition", "r"]])
    }

    /// Kafka fails here: the topic is below two merges.
    @Test func mergesOneAfterTheOther() throws {
        let calls = Calls()
        let streams = ["l", "m", "r"].map { calls.stream($0).selectKey() }
        let last = streams[0].merge(streams[1]).merge(streams[2])
        _ = last.aggregate(store: "a")
        let topology = try calls.graph.build(.mergeRepartitionTopics)
        let filter = try #require(topology.subtopologies.flatMap(\.nodes).first { $0.name == "a-repartition-filter" })
        #expect(filter.parents == [last.name])
    }

    @Test func joinOfAMergedTopicIsStillCopartitioned() throws {
        let calls = Calls()
        let right = calls.stream("r")
        calls.stream("l").selectKey().join(right).to("out")
        let topology = try calls.graph.build(.mergeRepartitionTopics)
        #expect(topology.subtopologies.flatMap(\.copartitionGroups) == [["KSTREAM-KEY-SELECT-0000000002-repartition", "r"]])
    }

    /// The way around the topic that the count's move leaves open is closed by the join's.
    @Test func movesTogetherCloseEveryWayAround() throws {
        let calls = Calls()
        let rekeyed = calls.stream("l").selectKey()
        let filtered = rekeyed.filter()
        _ = rekeyed.merge(filtered).aggregate(store: "a")
        _ = filtered.aggregate(store: "b")
        let topology = try calls.graph.build(.mergeRepartitionTopics)
        #expect(topology.internalTopics.keys.sorted() == ["a-repartition"])
        #expect(topology.subtopologies[1].nodes[0].children == ["KSTREAM-FILTER-0000000002", "KSTREAM-MERGE-0000000003"])
    }

    /// Records go to children in this order, not in that of their repartitions.
    @Test func childrenOfTheTopicAreInTheOrderOfTheCalls() throws {
        let calls = Calls()
        let rekeyed = calls.stream("t").selectKey()
        let filtered = rekeyed.filter()
        _ = rekeyed.aggregate(store: "a")
        _ = filtered.aggregate(store: "b")
        let topology = try calls.graph.build(.mergeRepartitionTopics)
        #expect(topology.subtopologies[1].nodes[0].children == ["KSTREAM-FILTER-0000000002", "KSTREAM-AGGREGATE-0000000003"])
    }
}
