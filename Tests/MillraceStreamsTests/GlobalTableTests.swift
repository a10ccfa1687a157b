import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct GlobalTableTests {
    @Test func recordsAreJoinedWithTheRowsTheyPointAt() throws {
        let run = try TableRun { builder in
            let shops: GlobalKTable<String, String> = builder.globalTable("shops")
            builder.stream("in", key: Serde.string, value: Serde.string)
                .join(shops) { _, value in
                    value
                } joining: { value, shop in
                    "\(value) \(shop)"
                }
                .to("out")
        }
        try run.pipe([("s1", "Rita's", 50)], to: "shops")
        try run.pipe([("a", "s1", 10), ("b", "s2", 11)])
        try run.pipe([("s1", nil, 60), ("s2", "Corner", 61)], to: "shops")
        try run.pipe([("a", "s1", 12), ("b", "s2", 13)])
        #expect(try run.read() == ["a=s1 Rita's@10", "b=s2 Corner@13"])
    }

    @Test func leftJoinsKeepRecordsThatPointAtNothing() throws {
        let run = try TableRun { builder in
            let shops: GlobalKTable<String, String> = builder.globalTable("shops", in: "shop-rows")
            builder.stream("in", key: Serde.string, value: Serde.string.optional)
                .leftJoin(shops, on: { _, value in value == "-" ? nil : value }) { key, value, shop in "\(key)\(value)\(shop ?? "?")" }
                .to("out")
        }
        try run.pipe([("s1", "x", 50), (nil, "y", 51)], to: "shops")
        try run.pipe([("a", "s1", 10), ("b", "s2", 11), ("c", "-", 12), ("d", nil, 13)])
        #expect(try run.read() == ["a=as1x@10", "b=bs2?@11", "c=c-?@12"])
        #expect(run.driver.droppedRecords == [.nullValue: 1, .nullKey: 1])
        #expect(try run.driver.keyValueStore("shop-rows", key: String.self, value: String.self).get("s1") == "x")
    }

    @Test func innerJoinsDropRecordsThatPointAtNothing() throws {
        let run = try TableRun { builder in
            let shops: GlobalKTable<String, String> = builder.globalTable("shops")
            builder.stream("in", key: Serde.string, value: Serde.string)
                .join(shops) { _, _ in
                    nil
                } joining: { value, shop in
                    value + shop
                }
                .to("out")
        }
        try run.pipe([("a", "s1", 10)])
        #expect(try run.read().isEmpty)
        #expect(run.driver.droppedRecords == [.nullKey: 1])
    }

    @Test func globalTablesHaveNoChangelogAndNoHistory() throws {
        let builder = StreamsBuilder()
        let shops: GlobalKTable<String, String> = builder.globalTable("shops", in: .versioned("rows", history: .seconds(1)))
        builder.stream("in", key: Serde.string, value: Serde.string).join(shops) {
            $1
        } joining: {
            $0 + $1
        }.to("out")
        #expect(throws: MillraceError.self) { try builder.build() }
    }
}
