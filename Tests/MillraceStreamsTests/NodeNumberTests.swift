import MillraceCore
import MillraceStreams
import Testing

/// Generated names contain a number, and Kafka Streams takes numbers in places where it does not use them.
@Suite struct NodeNumberTests {
    private func description(_ build: (StreamsBuilder) -> Void) throws -> String {
        let builder = StreamsBuilder()
        build(builder)
        return try builder.build().describe()
    }

    private func lines(_ builder: StreamsBuilder) -> KStream<String, String> {
        builder.stream("lines", key: .string, value: .string)
    }

    @Test func aNamedNodeTakesANumberAllTheSame() throws {
        let text = try description { lines($0).filter(named: "long") { $1.count > 80 }.to("out") }
        #expect(text.contains("Sink: KSTREAM-SINK-0000000002"))
    }

    @Test func soDoTheSplitAndEachBranch() throws {
        let text = try description { lines($0).split(named: "by-").branch(named: "length") { $1.count > 80 }.to("out") }
        #expect(text.contains("Sink: KSTREAM-SINK-0000000003"))
    }

    @Test func soDoesTheNameOfATablesGrouping() throws {
        let text = try description { builder in
            let table: KTable<String, String> = builder.table("lines", key: .string, value: .string, in: "rows")
            let grouped = table.groupBy(key: .string, value: .string, named: "by-value") { ($1, $0) }
            grouped.count().toStream().to("out", value: Serde<Int64>.bigEndian.optional)
        }
        #expect(text.contains("Sink: KSTREAM-SINK-0000000004 (topic: by-value-repartition)"))
    }

    @Test func countingInAStoreWithoutANameTakesOneMoreThanItUses() throws {
        let text = try description { builder in
            lines(builder).groupByKey().count(in: .inMemory()).toStream().to("out", value: Serde<Int64>.bigEndian.optional)
        }
        #expect(text.contains("KSTREAM-AGGREGATE-0000000003 (stores: [KSTREAM-AGGREGATE-STATE-STORE-0000000002])"))
    }

    @Test func countingWithoutAnyWordOnTheStoreDoesNot() throws {
        let text = try description { lines($0).groupByKey().count().toStream().to("out", value: Serde<Int64>.bigEndian.optional) }
        #expect(text.contains("KSTREAM-AGGREGATE-0000000002 (stores: [KSTREAM-AGGREGATE-STATE-STORE-0000000001])"))
    }

    @Test func countingInSlidingWindowsDoesNotEither() throws {
        let text = try description { builder in
            lines(builder).groupByKey().windowedBy(SlidingWindows(difference: .seconds(1))).count(in: .inMemory())
                .toStream { window, _ in window.key }.to("out", key: .string, value: Serde<Int64>.bigEndian.optional)
        }
        #expect(text.contains("KSTREAM-AGGREGATE-0000000002 (stores: [KSTREAM-AGGREGATE-STATE-STORE-0000000001])"))
    }
}
