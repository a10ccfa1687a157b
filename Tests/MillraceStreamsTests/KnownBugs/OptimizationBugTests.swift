import MillraceCore
import MillracePlan
import MillraceStreams
import MillraceTestKit
import Testing

/// Bugs of Kafka Streams' optimiser.
@Suite struct OptimizationBugTests {
    private func driver(_ describe: (StreamsBuilder) -> Void) throws -> TopologyTestDriver {
        let builder = StreamsBuilder()
        describe(builder)
        return try TopologyTestDriver(try builder.build(optimizations: .mergeRepartitionTopics))
    }

    private func keys(_ driver: TopologyTestDriver, _ topic: String) -> [String] {
        driver.writtenRecords(of: topic).map { String(decoding: $0.key ?? [], as: UTF8.self) }
    }

    /// KAFKA-19668: a repartition topic was moved above a processor that changes values, and could not be read.
    @Test func aProcessorThatChangesTheTypeOfValues() throws {
        let driver = try driver { builder in
            let words: KStream<String, String> = builder.stream("in")
            words.selectKey { _, word in String(word.prefix(1)) }
                .processValues { (context: FixedKeyProcessorContext<String, Int>) in Length(context) }
                .groupByKey(named: "g").reduce { $0 + $1 }.toStream().to("out", value: Serde<Int>.bigEndian.optional)
        }
        try driver.input("in", key: .string, value: .string).pipe("k", "abc", at: 1)
        #expect(try driver.output("out", key: .string, value: Serde<Int>.bigEndian).readAll().map(\.value) == [3])
    }

    /// KAFKA-19668: what a processor made of the keys was not repartitioned any more.
    @Test func aProcessorThatChangesKeys() throws {
        let driver = try driver { builder in
            let words: KStream<String, String> = builder.stream("in")
            words.selectKey { _, word in String(word.prefix(1)) }
                .process { (context: ProcessorContext<String, String>) in Reversed(context) }
                .groupByKey(named: "g").count().toStream().to("out")
        }
        try driver.input("in", key: .string, value: .string).pipe("k", "abc", at: 1)
        #expect(keys(driver, "test-g-repartition") == ["cba"])
    }

    /// The same on the way of another stream that is merged in.
    @Test func aProcessorThatChangesKeysOfAMergedStream() throws {
        let driver = try driver { builder in
            let words: KStream<String, String> = builder.stream("in")
            let others: KStream<String, String> = builder.stream("others")
            let rekeyed = words.selectKey { _, word in String(word.prefix(1)) }
            rekeyed.groupByKey(named: "a").count().toStream().to("out")
            rekeyed.merge(with: others.process { (context: ProcessorContext<String, String>) in Reversed(context) })
                .groupByKey(named: "b").count().toStream().to("out")
        }
        try driver.input("others", key: .string, value: .string).pipe("k", "abc", at: 1)
        #expect(keys(driver, "test-b-repartition") == ["cba"])
    }

    /// As KAFKA-19668, for a join with a global table, whose results have another type.
    @Test func aGlobalJoinThatChangesTheTypeOfValues() throws {
        let driver = try driver { builder in
            let rows: GlobalKTable<String, String> = builder.globalTable("rows")
            let words: KStream<String, String> = builder.stream("in")
            words.selectKey { _, word in String(word.prefix(1)) }
                .leftJoin(rows, on: { $1 }) { (word: String, row: String?) -> Int in word.count + (row?.count ?? 0) }
                .groupByKey(named: "g").reduce { $0 + $1 }.toStream().to("out", value: Serde<Int>.bigEndian.optional)
        }
        try driver.input("in", key: .string, value: .string).pipe("k", "abc", at: 1)
        #expect(try driver.output("out", key: .string, value: Serde<Int>.bigEndian).readAll().map(\.value) == [3])
    }
}

private final class Length: FixedKeyProcessor {
    let context: FixedKeyProcessorContext<String, Int>
    init(_ context: FixedKeyProcessorContext<String, Int>) { self.context = context }
    func process(_ record: FixedKeyRecord<String, String>) throws { try context.forward(record.with(value: record.value.count)) }
}

private final class Reversed: Processor {
    let context: ProcessorContext<String, String>
    init(_ context: ProcessorContext<String, String>) { self.context = context }
    func process(_ record: Record<String, String>) throws {
        try context.forward(Record(key: String(record.value.reversed()), value: record.value, timestamp: record.timestamp))
    }
}
