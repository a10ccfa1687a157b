import MillraceCore
import MillracePlan
import Testing

@Suite struct SelfJoinTests {
    private func stores(_ optimizations: TopologyOptimizations, _ write: (Calls) -> Void) throws -> [String] {
        let calls = Calls()
        write(calls)
        return try calls.graph.build(optimizations).subtopologies.flatMap(\.stores).map(\.declaration.name)
    }

    @Test func twoStreamsOfOneTopicAreOneStream() throws {
        func program(_ calls: Calls) {
            let (left, right) = (calls.stream("t"), calls.stream("t"))
            left.join(right).to("out")
        }
        let both = ["KSTREAM-JOINTHIS-0000000004-store", "KSTREAM-JOINOTHER-0000000005-store"]
        #expect(try stores([], program) == both)
        #expect(try stores(.singleStoreSelfJoin, program) == [both[0]])
    }

    @Test func streamJoinedWithAPartOfItselfKeepsTwoStores() throws {
        let count = try stores(.singleStoreSelfJoin) { calls in
            let stream = calls.stream("t")
            stream.join(stream.filter()).to("out")
        }.count
        #expect(count == 2)
    }

    @Test func joinTakesThePlaceOfTheMerge() throws {
        let calls = Calls()
        let stream = calls.stream("t")
        let joined = stream.join(stream)
        let node = try #require(try calls.graph.build(.all).subtopologies[0].nodes.first { $0.name == joined.name })
        #expect(node.payload as? String == "self join")
    }
}

@Suite struct NullKeyTests {
    private func filtersThatPass(_ write: (Calls) -> Void) throws -> [String] {
        let calls = Calls()
        write(calls)
        return try calls.graph.build().subtopologies.flatMap(\.nodes).filter(\.passesNullKeys).map(\.name)
    }

    @Test func repartitionForALeftJoinPassesNullKeys() throws {
        let names = try filtersThatPass { calls in
            let table = calls.table("t")
            calls.stream("s").selectKey().join(table, left: true).to("out")
        }
        #expect(names == ["KSTREAM-FILTER-0000000006"])
    }

    @Test func repartitionForAnInnerJoinOrACountDropsThem() throws {
        let names = try filtersThatPass { calls in
            let table = calls.table("t")
            let rekeyed = calls.stream("s").selectKey()
            rekeyed.join(table).to("out")
            _ = rekeyed.aggregate()
        }
        #expect(names.isEmpty)
    }

    @Test func joinFurtherDownCountsToo() throws {
        let names = try filtersThatPass { calls in
            let table = calls.table("t")
            calls.stream("s").selectKey().repartition("x").filter().selectKey().join(table, left: true).to("out")
        }
        #expect(names == ["x-repartition-filter", "KSTREAM-FILTER-0000000011"])
    }
}

@Suite struct VersionedInputTests {
    private func versionedInputs(_ calls: Calls, of name: String) throws -> Set<String>? {
        try calls.graph.build().subtopologies.flatMap(\.nodes).first { $0.name == name }?.versionedInputs
    }

    @Test func versionsPassTablesThatAreNotMaterialised() throws {
        let calls = Calls()
        let table = calls.table("t", store: StoreDeclaration("v", historyRetention: 1000))
        let first = table.filter()
        let second = first.filter()
        #expect(try versionedInputs(calls, of: first.node.name) == [table.node.name])
        #expect(try versionedInputs(calls, of: second.node.name) == [first.node.name])
    }

    @Test func tablesWithoutVersionsAreNotMarked() throws {
        let calls = Calls()
        let filtered = calls.table("t").filter()
        #expect(try versionedInputs(calls, of: filtered.node.name) == [])
    }

    @Test func joinSeesWhichSideIsVersioned() throws {
        let calls = Calls()
        let (left, right) = (calls.table("l", store: StoreDeclaration("v", historyRetention: 1000)), calls.table("r"))
        let joined = left.join(right, store: "j")
        #expect(try versionedInputs(calls, of: joined.node.name) == [left.node.name])
    }

    @Test func suppressingVersionsIsAnError() {
        let calls = Calls()
        _ = calls.table("t", store: StoreDeclaration("v", historyRetention: 1000)).filter().suppress()
        expectError("suppresses the versioned table", names: ["KTABLE-SUPPRESS-0000000003"]) { try calls.graph.build() }
    }

    @Test(arguments: [(nil, "keeps no history"), (Int64(999), "remembers 999 ms")])
    func graceNeedsHistory(_ retention: Int64?, _ phrase: String) {
        var builder = TopologyBuilder()
        expectError(phrase, names: ["v"], kind: .configuration) {
            try builder.addStore(StoreDeclaration("v", historyRetention: retention))
            return try builder.requireHistory(of: ["v"], milliseconds: 1000)
        }
    }

    @Test func enoughHistoryIsFine() throws {
        var builder = TopologyBuilder()
        try builder.addStore(StoreDeclaration("v", historyRetention: 1000))
        try builder.requireHistory(of: ["v"], milliseconds: 1000)
    }
}
