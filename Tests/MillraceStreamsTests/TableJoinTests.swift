import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct TableJoinTests {
    /// A join of the tables of topics `in` and `other`.
    private func run(
        _ join: (KTable<String, String>, KTable<String, String>) -> KTable<String, String>
    ) throws -> TableRun {
        try TableRun { builder in
            let left: KTable<String, String> = builder.table("in")
            let right: KTable<String, String> = builder.table("other")
            join(left, right).toStream().to("out")
        }
    }

    @Test func innerJoinsHaveRowsThatBothTablesHave() throws {
        let run = try run { $0.join($1) { $0 + $1 } }
        try run.pipe([("a", "1", 10)])
        try run.pipe([("a", "x", 5), ("b", "y", 6), ("a", nil, 7)], to: "other")
        try run.pipe([("a", nil, 11)])
        #expect(try run.read() == ["a=1x@10", "a=nil@10"])
    }

    @Test func leftJoinsHaveAllRowsOfTheLeftTable() throws {
        let run = try run { $0.leftJoin($1) { $0 + ($1 ?? "-") } }
        try run.pipe([("a", "1", 10)])
        try run.pipe([("a", "x", 20), ("b", "y", 6), ("a", nil, 7)], to: "other")
        try run.pipe([("a", nil, 11), ("a", nil, 12)])
        #expect(try run.read() == ["a=1-@10", "a=1x@20", "a=1-@10", "a=nil@11"])
    }

    @Test func outerJoinsHaveTheRowsOfEither() throws {
        let run = try run { $0.outerJoin($1) { ($0 ?? "-") + ($1 ?? "-") } }
        try run.pipe([("a", "1", 10)])
        try run.pipe([("a", "x", 20), ("b", "y", 6)], to: "other")
        try run.pipe([("a", nil, 11)])
        try run.pipe([("a", nil, 12), ("a", nil, 13)], to: "other")
        #expect(try run.read() == ["a=1-@10", "a=1x@20", "b=-y@6", "a=-x@20", "a=nil@12"])
    }

    @Test func aJoinWithoutStoreIsComputedWhenItIsLookedUp() throws {
        let run = try TableRun { builder in
            let left: KTable<String, String> = builder.table("in")
            let right: KTable<String, String> = builder.table("other")
            let joined = left.outerJoin(right) { ($0 ?? "-") + ($1 ?? "-") }
            builder.stream("asked", key: Serde.string, value: Serde.string).join(joined) { $0 + $1 }.to("out")
        }
        try run.pipe([("a", "1", 10)])
        try run.pipe([("b", "y", 6)], to: "other")
        try run.pipe([("a", "?", 1), ("b", "?", 2), ("c", "?", 3)], to: "asked")
        #expect(try run.read() == ["a=?1-@1", "b=?-y@2"])
    }

    @Test func aJoinWithStoreKeepsItsRowsAndSendsOldValues() throws {
        let run = try TableRun { builder in
            let left: KTable<String, String> = builder.table("in")
            let right: KTable<String, String> = builder.table("other")
            left.join(right, in: "joined", value: .string) { $0 + $1 }
                .groupBy(key: .string, value: .string) { key, value in ("all", value) }
                .reduce(in: "sum", adding: { $0 + "+" + $1 }, subtracting: { $0 + "-" + $1 })
                .toStream().to("out")
        }
        try run.pipe([("a", "1", 1)])
        try run.pipe([("a", "x", 2), ("a", "y", 3)], to: "other")
        #expect(try run.read() == ["all=1x@2", "all=1x-1x+1y@3"])
        #expect(try run.driver.keyValueStore("joined", key: String.self, value: String.self).get("a") == "1y")
    }
}
