import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct TableTests {
    @Test func everyRecordIsAnUpdateAndRecordsWithoutKeyAreDropped() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: "rows").toStream().to("out")
        }
        try run.pipe([("a", "1", 10), (nil, "x", 11), ("a", "2", 5), ("b", nil, 12), ("a", nil, 13)])
        #expect(try run.read() == ["a=1@10", "a=2@5", "b=nil@12", "a=nil@13"])
        #expect(run.driver.droppedRecords == [.nullKey: 1])
        #expect(try run.driver.keyValueStore("rows", key: String.self, value: String.self).all().isEmpty)
    }

    @Test func aTableHasAStoreOnlyWhereSomebodyNeedsIt() throws {
        let builder = StreamsBuilder()
        let table: KTable<String, String> = builder.table("in")
        table.filter { _, value in value > "b" }.toStream().to("out")
        #expect(!(try builder.build().describe()).contains("STATE-STORE"))
        _ = table.mapValues { $0 + "!" }.groupBy { key, value in (value, key) }.count()
        #expect(try builder.build().describe().contains("Processor: KTABLE-SOURCE-0000000002 (stores: [in-STATE-STORE-0000000000])"))
    }

    @Test func filtersWithoutStoreSendTombstonesOfRowsThatNeverPassed() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string).filter { _, value in value.count > 1 }.toStream().to("out")
        }
        try run.pipe([("a", "1", 1), ("a", "11", 2), ("a", "2", 3), ("a", nil, 4)])
        #expect(try run.read() == ["a=nil@1", "a=11@2", "a=nil@3", "a=nil@4"])
    }

    @Test func filtersBehindAStoreLeaveThemOut() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: "rows")
                .filterNot(in: "short") { _, value in value.count > 1 }
                .mapValues(in: "marked") { key, value in "\(key)\(value)!" }
                .toStream().to("out")
        }
        try run.pipe([("a", "11", 1), ("a", "1", 2), ("a", "22", 3), ("a", nil, 4)])
        #expect(try run.read() == ["a=a1!@2", "a=nil@3"])
    }

    @Test func streamsBecomeTablesWhateverTheirNulls() throws {
        let run = try TableRun { builder in
            builder.stream("in", key: Serde.string.optional, value: Serde.string.optional).toTable(in: "rows").toStream().to("out")
        }
        try run.pipe([("a", "1", 1), (nil, "2", 2), ("a", nil, 3)])
        #expect(try run.read() == ["a=1@1", "a=nil@3"])
    }

    @Test func tablesOfRekeyedStreamsAreRepartitioned() throws {
        let run = try TableRun { builder in
            builder.stream("in", key: Serde.string, value: Serde.string).selectKey { _, value in value }
                .toTable(key: .string, named: "by-value").toStream().to("out")
        }
        try run.pipe([("a", "x", 1)])
        #expect(try run.read() == ["x=x@1"])
        #expect(run.driver.writtenRecords(of: "test-by-value-repartition").count == 1)
    }
}
