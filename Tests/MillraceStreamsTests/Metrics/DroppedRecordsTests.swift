import Millrace
import MillraceTestKit
import Testing

/// Each record that is left out is counted, once.
@Suite struct DroppedRecordsTests {
    private func dropped(_ records: [(key: String?, value: String?, time: Timestamp)], _ describe: (StreamsBuilder) -> Void) throws
        -> [DropReason: Int]
    {
        let run = try TableRun(describe)
        try run.pipe(records)
        return run.driver.droppedRecords
    }

    @Test func beforeARepartition() throws {
        let dropped = try dropped([("a", "x", 1), ("b", nil, 2), ("c", "y", 3)]) { builder in
            let stream: KStream<String?, String?> = builder.stream("in")
            stream.map { (key: $1, value: $1) }.groupByKey().count(in: "store").toStream().mapValues { $0.map(String.init) }.to("out")
        }
        #expect(dropped == [.nullKey: 1])
    }

    /// A timestamp extractor reads the record too, before its turn.
    @Test func nullsThatAnExtractorSaw() throws {
        let dropped = try dropped([(nil, "x", 1), ("b", nil, 2), ("c", "y", 3)]) { builder in
            let stream: KStream<String, String> = builder.stream("in", timestamp: TimestampExtractor { record, _ in record.timestamp })
            stream.to("out")
        }
        #expect(dropped == [.nullKey: 1, .nullValue: 1])
    }

    @Test func updatesOfThePastThatNoGroupTakes() throws {
        let dropped = try dropped([("a", "x", 10), ("a", "y", 5)]) { builder in
            let table: KTable<String, String> = builder.table("in", in: .versioned("rows", history: .seconds(60)))
            table.groupBy { ($1, $1) }.count(in: "store").toStream().mapValues { $0.map(String.init) }.to("out")
        }
        #expect(dropped == [.outOfOrder: 1])
    }
}
