import MillracePlan
import Testing

/// Programs of the conformance suite, and the texts that Kafka Streams printed for them.
@Suite struct DescribeTests {
    struct Program: CustomTestStringConvertible, Sendable {
        var name: String
        var write: @Sendable (Calls) -> Void
        var testDescription: String { name }
    }

    static let programs = [
        Program(name: "kv-count") { $0.stream("t").aggregate(store: "c").toStream().to("out") },
        Program(name: "kv-global") { calls in
            calls.globalTable("g", store: "g")
            calls.stream("t").joinGlobal().to("out")
        },
        Program(name: "kv-totable-rekeyed") { $0.stream("t").selectKey().toTable().toStream().to("out") },
        Program(name: "kv-join-store") { calls in
            let (left, right) = (calls.table("l"), calls.table("r"))
            left.join(right, store: "j").toStream().to("out")
        },
        Program(name: "window-anonymous") { calls in
            let stream = calls.stream("t")
            stream.groupBy().count().toStream().selectKey().to("out")
            stream.groupBy("first").count(grouping: "first").toStream().selectKey().to("out2")
        },
        Program(name: "change") { $0.table("t", store: StoreDeclaration("t")).regroup("grp", store: "a").toStream().to("out") },
        Program(name: "join-outer-shared") { calls in
            let (left, right) = (calls.stream("l"), calls.stream("r"))
            left.join(right, left: true, outer: true).to("out")
        },
        Program(name: "join-left-rekeyed") { calls in
            let (left, right) = (calls.stream("l"), calls.stream("r"))
            let (rekeyedLeft, rekeyedRight) = (left.selectKey(), right.selectKey())
            rekeyedLeft.join(rekeyedRight, left: true).to("out")
        },
        Program(name: "join-self") { calls in
            let stream = calls.stream("t")
            stream.join(stream).to("out")
        },
        Program(name: "repartition-plain") { $0.stream("t").selectKey().repartition("rp").to("out") },
        Program(name: "repartition-two-groupings") { calls in
            let stream = calls.stream("t").selectKey()
            stream.aggregate(store: "c").toStream().to("out")
            stream.aggregate("REDUCE", store: "c2").toStream().to("out2")
        },
        Program(name: "suppress-internal-topic") { calls in
            calls.stream("t").groupBy("grp").aggregate(store: "c", grouping: "grp").suppress().toStream().to("out")
        },
        Program(name: "topology-dynamic") { calls in
            let branches = calls.stream("t2", "t1").split("sp-", ["b0", "d"])
            let processed = branches[0].process(store: StoreDeclaration("mx"))
            branches[1].mapValues().merge(branches[1]).to(nil)
            processed.to("out")
        },
        Program(name: "topology-table-source") { calls in
            let table = calls.table("t", store: StoreDeclaration("t")).filter()
            calls.stream("s").join(table).to("out")
        },
    ]

    static let optimizedPrograms = programs.filter {
        ["kv-totable-rekeyed", "window-anonymous", "join-left-rekeyed", "join-self", "repartition-two-groupings"].contains($0.name)
    }

    @Test(arguments: programs) func printsWhatKafkaPrints(_ program: Program) throws {
        let calls = Calls()
        program.write(calls)
        #expect(try calls.graph.build().describe() == golden(program.name))
    }

    @Test(arguments: optimizedPrograms) func printsWhatKafkaPrintsOptimized(_ program: Program) throws {
        let calls = Calls()
        program.write(calls)
        #expect(try calls.graph.build(.all).describe() == golden(program.name + "-optimized"))
    }

    @Test func buildingLeavesTheGraphAsItIs() throws {
        let calls = Calls()
        Self.programs[4].write(calls)
        let plain = try calls.graph.build().describe()
        let optimized = try calls.graph.build(.all).describe()
        #expect(optimized != plain)
        #expect(try calls.graph.build().describe() == plain)
        #expect(try calls.graph.build(.all).describe() == optimized)
    }
}
