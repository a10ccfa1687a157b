import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

/// Rows that an aggregation deletes by a result of `nil`, because of a record that is older than the row.
@Suite struct AggregateDeletionTests {
    @Test func aStreamsAggregateLogsTheDeletionWithTheTimeOfItsRecord() throws {
        let run = try TableRun { builder in
            builder.stream("in", key: Serde.string, value: Serde.string).groupByKey()
                .reduce(in: "last") { _, value in value == "-" ? nil : value }.toStream().to("out")
        }
        try run.pipe([("a", "x", 10), ("a", "-", 4), ("a", "y", 2)])
        #expect(try run.read() == ["a=x@10", "a=nil@10", "a=y@2"])
        #expect(run.driver.writtenRecords(of: "test-last-changelog").map(\.timestamp) == [10, 4, 2])
    }

    @Test func aTablesAggregateLogsTheDeletionWithTheTimeOfItsRecord() throws {
        let run = try TableRun { builder in
            let table: KTable<String, String> = builder.table("in")
            table.groupBy { key, value in (key, value) }
                .reduce(in: "last", adding: { _, value in value == "-" ? nil : value }, subtracting: { row, _ in row }).toStream().to("out")
        }
        try run.pipe([("a", "x", 10), ("a", "-", 4)])
        #expect(try run.read() == ["a=x@10", "a=nil@10"])
        #expect(run.driver.writtenRecords(of: "test-last-changelog").map(\.timestamp) == [10, 4])
    }
}
