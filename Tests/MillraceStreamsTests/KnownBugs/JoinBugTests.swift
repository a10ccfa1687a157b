import Millrace
import MillraceTestKit
import Testing

/// Bugs that joins of Kafka Streams had, by the number that each had there. Whole lists are compared, since a map of last values hides a result too many.
@Suite struct JoinBugTests {
    /// KAFKA-13721, KAFKA-15417: unmatched records of windows that are not symmetric came too early, too late or not at all.
    @Test(arguments: [(0, 10), (10, 0), (-2, 10), (10, -2)] as [(Int64, Int64)])
    func windowsThatAreNotSymmetric(_ before: Int64, _ after: Int64) throws {
        let run = try TableRun { builder in
            let left: KStream<String, String> = builder.stream("in")
            let right: KStream<String, String> = builder.stream("right")
            left.outerJoin(
                right,
                within: JoinWindows(difference: .milliseconds(10), before: .milliseconds(before), after: .milliseconds(after))
            ) { "\($0 ?? "-")+\($1 ?? "-")" }.to("out")
        }
        try run.pipe([("a", "1", 100)])
        try run.pipe([("b", "2", 100)], to: "right")
        // The last moments at which each could find a partner.
        let (left, right) = (100 + max(0, after), 100 + max(0, before))
        try run.pipe([("x", "3", Timestamp(milliseconds: min(left, right)))], to: "right")
        // Where a window lies beside its record, it may be over at once.
        let early = try run.read()
        #expect(early == [] || before < 0 || after < 0)
        try run.pipe([("x", "4", 200)], to: "right")
        let sent = early + (try run.read())
        let last = before < 0 ? ["x=-+4@200"] : []
        #expect(sent.sorted() == ["a=1+-@100", "b=-+2@100", "x=-+3@\(min(left, right))"] + last)
    }

    /// KAFKA-14862: tasks of an outer join shared what one of them had noted about time, so that some sent nothing.
    @Test func outerJoinsOfSeveralPartitions() async throws {
        let app = try AppOnDisk(topics: ["l": 3, "r": 3, "out": 1])
        let keys = (0..<12).map { "k\($0)" }
        try app.write(keys.map { ($0, "l", 100) }, to: "l")
        try app.write(keys.map { ($0, "late", 500) }, to: "r")
        try await app.run { builder in
            let left: KStream<String, String> = builder.stream("l")
            left.outerJoin(builder.stream("r"), within: JoinWindows(difference: .milliseconds(10))) { (left: String?, right: String?) in
                "\(left ?? "-")+\(right ?? "-")"
            }.to("out")
        }
        #expect(try app.read("out").filter { $0.hasSuffix("=l+-") }.sorted() == keys.map { "\($0)=l+-" }.sorted())
    }

    /// KAFKA-7671: a join with a global table forgot that the stream before it had new keys.
    @Test func aGlobalJoinBehindNewKeys() throws {
        let run = try TableRun { builder in
            let rows: GlobalKTable<String, String> = builder.globalTable("rows")
            let stream: KStream<String, String> = builder.stream("in")
            stream.selectKey { _, value in value }
                .leftJoin(rows, on: { $1 }) { $0 + ($1 ?? "-") }
                .groupByKey(named: "g").reduce { $0 + $1 }.toStream().to("out")
        }
        try run.pipe([("a", "k", 1), ("b", "k", 2)])
        #expect(try run.read() == ["k=k-@1", "k=k-k-@2"])
        #expect(run.driver.writtenTopics(includingInternal: true).contains("test-g-repartition"))
    }

    /// KAFKA-9500, KAFKA-9517: foreign-key joins behind other joins, none of which has a store of its own.
    @Test func foreignKeyJoinsBehindJoins() throws {
        let run = try TableRun { builder in
            let left: KTable<String, String> = builder.table("in")
            let right: KTable<String, String> = builder.table("right")
            let shops: KTable<String, Int> = builder.table("shops", value: .bigEndian)
            let pairs = left.join(right) { $0 + $1 }
            pairs.join(shops, foreignKey: { String($1.prefix(1)) }) { "\($0)\($1)" }
                .join(right) { $0 + "/" + $1 }
                .filter { _, value in !value.hasSuffix("x") }
                .toStream().to("out", value: Serde.string.optional)
        }
        try run.driver.input("shops", key: .string, value: Serde<Int>.bigEndian).pipe("S", 7, at: 1)
        try run.pipe([("k", "S", 2)])
        try run.pipe([("k", "r", 3)], to: "right")
        #expect(try run.read().last?.hasPrefix("k=Sr7/r@") == true)
        try run.driver.input("shops", key: .string, value: Serde<Int>.bigEndian).pipe("S", 8, at: 4)
        #expect(try run.read() == ["k=Sr8/r@4"])
    }

    /// KAFKA-10689: the number of partitions was looked for without end where the left table of a foreign-key join has windows.
    @Test func foreignKeyJoinsOfWindows() async throws {
        let app = try AppOnDisk(topics: ["in": 2, "names": 3, "out": 1])
        try app.write([("s", "Shop", 1)], to: "names")
        try app.write([("a", "s", 1), ("a", "s", 2), ("b", "s", 1)], to: "in")
        try await app.run { builder in
            let visits: KStream<String, String> = builder.stream("in")
            let names: KTable<String, String> = builder.table("names")
            visits.groupBy { key, _ in key }.windowedBy(.tumbling(size: .milliseconds(10))).reduce { $1 }
                .join(names, foreignKey: { $1 }) { "\($0) at \($1)" }
                .toStream { window, _ in window.key }.to("out", value: Serde.string.optional)
        }
        #expect(try Set(app.read("out")) == ["a=s at Shop", "b=s at Shop"])
    }

    /// KAFKA-16394, KAFKA-18713: a left join sent a deletion with each change of the foreign key, two for a deleted row, or lost the last result.
    @Test func leftForeignKeyJoinsSendOneResultForEachChange() throws {
        let run = try TableRun { builder in
            let left: KTable<String, String> = builder.table("in")
            let right: KTable<String, String> = builder.table("shops")
            left.leftJoin(right, foreignKey: { $1.isEmpty ? nil : $1 }) { "\($0)+\($1 ?? "-")" }.toStream().to("out")
        }
        try run.pipe([("S", "v", 1), ("T", "w", 2)], to: "shops")
        try run.pipe([("k", "S", 10), ("k", "T", 11), ("k", "none", 12), ("k", "", 13), ("k", "S", 14), ("k", nil, 15)])
        #expect(try run.read() == ["k=S+v@10", "k=T+w@11", "k=none+-@12", "k=+-@13", "k=S+v@14", "k=nil@15"])
    }

    /// KAFKA-16394, KAFKA-18713, with tasks that answer each other through topics.
    @Test func leftForeignKeyJoinsEndWithTheLastResult() async throws {
        let app = try AppOnDisk(topics: ["in": 2, "shops": 3, "out": 1])
        try app.write((0..<6).map { ("s\($0)", "shop\($0)", 1) }, to: "shops")
        let keys = (0..<10).map { "k\($0)" }
        for round in 0..<6 { try app.write(keys.map { ($0, "s\(round)", Timestamp(milliseconds: Int64(round))) }, to: "in") }
        try await app.run { builder in
            let left: KTable<String, String> = builder.table("in")
            let right: KTable<String, String> = builder.table("shops")
            left.leftJoin(right, foreignKey: { $1 }) { "\($0)+\($1 ?? "-")" }.toStream().to("out", value: Serde.string.optional)
        }
        let sent = try app.read("out")
        for key in keys {
            let own = sent.filter { $0.hasPrefix(key + "=") }
            #expect(own.last == "\(key)=s5+shop5")
            #expect(!own.contains("\(key)=nil"))
        }
    }
}
