import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct StreamTableJoinTests {
    @Test func onlyRecordsOfTheStreamHaveResults() throws {
        let run = try TableRun { builder in
            let table: KTable<String, String> = builder.table("table")
            builder.stream("in", key: Serde.string, value: Serde.string).join(table) { $0 + $1 }.to("out")
        }
        try run.pipe([("a", "1", 1)])
        try run.pipe([("a", "x", 90)], to: "table")
        try run.pipe([("a", "2", 2), ("b", "3", 3)])
        try run.pipe([("a", nil, 91)], to: "table")
        try run.pipe([("a", "4", 4)])
        #expect(try run.read() == ["a=2x@2"])
    }

    @Test func leftJoinsKeepRecordsWithoutRowOrKeyButNotWithoutValue() throws {
        let builder = StreamsBuilder()
        let table: KTable<String, String> = builder.table("table")
        builder.stream("in", key: Serde.string.optional, value: Serde.string.optional)
            .leftJoin(table) { key, value, row in "\(key ?? "-")\(value)\(row ?? "-")" }
            .to("out")
        let driver = try TopologyTestDriver(try builder.build())
        let input = driver.input("in", key: Serde.string.optional, value: Serde.string.optional)
        try driver.input("table", key: .string, value: Serde.string).pipe("a", "x", at: 0)
        try input.pipe("a", "1", at: 1)
        try input.pipe(nil, "2", at: 2)
        try input.pipe("a", nil, at: 3)
        try input.pipe("b", "4", at: 4)
        #expect(try driver.output("out", key: Serde.string.optional, value: Serde.string).readAll().map(\.value) == ["a1x", "-2-", "b4-"])
        #expect(driver.droppedRecords == [.nullValue: 1])
    }

    @Test func innerJoinsHandOnTheKeyOfWhatHasOne() throws {
        let run = try TableRun { builder in
            let table: KTable<String, String> = builder.table("table")
            builder.stream("in", key: Serde.string.optional, value: Serde.string)
                .join(table) { (key: String, value: String, row: String) in key + value + row }
                .to("out")
        }
        try run.pipe([("a", "x", 0)], to: "table")
        try run.pipe([(nil, "1", 1), ("a", "2", 2)])
        #expect(try run.read() == ["a=a2x@2"])
        #expect(run.driver.droppedRecords == [.nullKey: 1])
    }

    @Test func aRekeyedStreamIsRepartitionedOnceForAllItsJoins() throws {
        let builder = StreamsBuilder()
        let table: KTable<String, String> = builder.table("table")
        let stream = builder.stream("in", key: Serde.string, value: Serde.string).selectKey(named: "by-value") { $1 }
        stream.join(table) { $0 + $1 }.to("one")
        stream.leftJoin(table) { left, right in left + (right ?? "") }.to("two")
        let topology = try builder.build()
        #expect(topology.describe().ranges(of: "Sink: by-value-repartition-sink").count == 1)
        let driver = try TopologyTestDriver(topology)
        try driver.input("table", key: .string, value: Serde.string).pipe("x", "y", at: 0)
        try driver.input("in", key: .string, value: Serde.string).pipe("a", "x", at: 1)
        #expect(driver.writtenRecords(of: "test-by-value-repartition").count == 1)
        #expect(driver.writtenTopics() == ["one", "two"])
    }

    @Test func withGraceRecordsWaitForRowsThatComeLate() throws {
        let run = try TableRun { builder in
            let table: KTable<String, String> = builder.table("table", in: .versioned("rows", history: .seconds(60)))
            builder.stream("in", key: Serde.string, value: Serde.string).join(table, grace: .milliseconds(100)) { $0 + $1 }.to("out")
        }
        try run.pipe([("a", "new", 1050)], to: "table")
        try run.pipe([("a", "1", 1000), ("b", "2", 1000), ("a", "3", 1099)])
        #expect(try run.read().isEmpty)
        try run.pipe([("b", "late", 900), ("a", "old", 990)], to: "table")
        try run.pipe([("c", "4", 1100)])
        #expect(try run.read() == ["a=1old@1000", "b=2late@1000"])
        // Later than the grace period: joined at once, as of its time.
        try run.pipe([("a", "5", 995)])
        #expect(try run.read() == ["a=5old@995"])
        try run.pipe([("c", "6", 1199)])
        #expect(try run.read() == ["a=3new@1099"])
    }

    @Test func graceNeedsAsMuchHistory() throws {
        for store in [Materialized("rows"), .versioned("rows", history: .milliseconds(99))] {
            let builder = StreamsBuilder()
            let table: KTable<String, String> = builder.table("table", in: store)
            builder.stream("in", key: Serde.string, value: Serde.string).join(table, grace: .milliseconds(100)) { $0 + $1 }.to("out")
            let error = #expect(throws: MillraceError.self) { try builder.build() }
            #expect(error?.kind == .configuration)
        }
    }

    @Test func whatAJoinerThrowsNamesTheNode() throws {
        let run = try TableRun { builder in
            let table: KTable<String, String> = builder.table("table")
            builder.stream("in", key: Serde.string, value: Serde.string)
                .leftJoin(table, named: "enrich") { (_: String, _: String?) -> String in throw Failure() }.to("out")
        }
        let error = #expect(throws: MillraceError.self) { try run.pipe([("a", "1", 1)]) }
        #expect(error?.kind == .processing && error?.node == "enrich")
    }

    private struct Failure: Error {}
}
