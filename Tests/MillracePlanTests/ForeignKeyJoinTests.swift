import MillracePlan
import Testing

/// A foreign-key join is nothing that the plan knows: it is made of steps, with topics, sources and sinks of its own.
@Suite struct ForeignKeyJoinTests {
    private func topology() throws -> PhysicalTopology {
        let calls = Calls()
        let graph = calls.graph
        let (left, right) = (calls.table("l"), calls.table("r"))
        let prefix = "KTABLE-FK-JOIN-"
        let subscriptions = graph.newProcessorName(prefix + "SUBSCRIPTION-REGISTRATION-") + "-topic"
        let send = graph.newProcessorName(prefix + "SUBSCRIPTION-REGISTRATION-")
        let subscriptionSink = graph.newProcessorName("KTABLE-SINK-")
        let subscriptionSource = graph.newProcessorName("KTABLE-SOURCE-")
        let subscriptionStore = StoreDeclaration(graph.newStoreName(prefix + "SUBSCRIPTION-"))
        let receive = graph.newProcessorName(prefix + "SUBSCRIPTION-PROCESSOR-")
        let lookup = graph.newProcessorName(prefix + "SUBSCRIPTION-PROCESSOR-")
        let rightChange = graph.newProcessorName(prefix + "SUBSCRIPTION-PROCESSOR-")
        let responses = graph.newProcessorName(prefix + "SUBSCRIPTION-RESPONSE-") + "-topic"
        let responseSink = graph.newProcessorName("KTABLE-SINK-")
        let responseSource = graph.newProcessorName("KTABLE-SOURCE-")
        let resolve = graph.newProcessorName(prefix + "SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-")
        let output = graph.newProcessorName(prefix + "OUTPUT-")

        @discardableResult func add(
            _ name: String, _ steps: [PlanStep], to parents: [LogicalNode], store: StoreDeclaration? = nil
        ) -> LogicalNode {
            let node = LogicalNode(name, .steps(steps), store: store)
            graph.add(node, parents: parents)
            return node
        }
        func source(_ name: String, _ topic: String) -> LogicalNode {
            add(name, [.internalTopic(.repartition(topic)), .source(name, topic: topic, payload: ())], to: [graph.root])
        }
        func sink(_ name: String, _ topic: String, after parents: [LogicalNode]) {
            add(name, [.sink(name, to: .topic(topic), payload: ())], to: parents)
        }
        func processor(_ name: String, stores: [String] = [], after parent: LogicalNode, store: StoreDeclaration? = nil) -> LogicalNode {
            add(name, [.processor(name, stores: stores, payload: ())], to: [parent], store: store)
        }

        sink(subscriptionSink, subscriptions, after: [processor(send, after: left.node)])
        let received = processor(receive, after: source(subscriptionSource, subscriptions), store: subscriptionStore)
        let answered = processor(lookup, stores: [right.store()], after: received)
        let changed = processor(rightChange, stores: [subscriptionStore.name], after: right.node)
        sink(responseSink, responses, after: [answered, changed])
        let resolved = processor(resolve, stores: [left.store()], after: source(responseSource, responses))
        graph.copartition([responseSource] + left.sources)
        graph.copartition([subscriptionSource] + right.sources)
        let joined = processor(output, after: resolved, store: StoreDeclaration("j"))
        Calls.Table(calls: calls, node: joined, sources: left.sources) { "j" }.toStream().to("out")
        return try graph.build()
    }

    @Test func printsWhatKafkaPrints() throws {
        #expect(try topology().describe() == golden("fk-inner"))
    }

    @Test func topicsAreInternalAndPartitionedLikeTheTables() throws {
        let topology = try topology()
        let names = [
            "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000006-topic", "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-0000000014-topic",
        ]
        #expect(topology.internalTopics.keys.sorted() == names)
        #expect(topology.isInternal(names[0]))
        #expect(!topology.isInternal("l"))
        #expect(topology.subtopologies[0].copartitionGroups == [[names[1], "l"]])
        #expect(topology.subtopologies[1].copartitionGroups == [[names[0], "r"]])
        #expect(topology.subtopologies[1].internalTopics == [.repartition(names[0])])
        #expect(topology.subtopologies[1].sinkTopics == [names[1]])
    }
}
