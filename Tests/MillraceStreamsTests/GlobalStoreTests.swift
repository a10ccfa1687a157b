import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct GlobalStoreTests {
    @Test func aProcessorFillsAStoreThatOthersRead() throws {
        final class KeepLength: Processor {
            let lengths: KeyValueStore<String, Int64>
            init(_ context: ProcessorContext<Never, Never>) throws { lengths = try context.store("lengths") }

            func process(_ record: Record<String, String?>) throws {
                try lengths.put(record.key, record.value.map { Int64($0.utf8.count) })
            }
        }
        final class Measure: FixedKeyProcessor {
            let context: FixedKeyProcessorContext<String, String>
            let lengths: KeyValueStore<String, Int64>
            init(_ context: FixedKeyProcessorContext<String, String>) throws {
                self.context = context
                lengths = try context.store("lengths")
            }

            func process(_ record: FixedKeyRecord<String, String>) throws {
                let length = try lengths.get(record.key)
                try context.forward(record.with(value: length.map { "\($0)" } ?? "unknown"))
            }
        }
        let run = try TableRun { builder in
            builder.addGlobalStore(
                .keyValue(.inMemory("lengths"), key: .string, value: Serde<Int64>.bigEndian), from: "words", key: Serde.string,
                value: Serde.string.optional
            ) { try KeepLength($0) }
            builder.stream("in", key: Serde.string, value: Serde.string).processValues { try Measure($0) }.to("out")
        }
        try run.pipe([("a", "four", 1), ("b", "x", 2), ("b", nil, 3), (nil, "lost", 4)], to: "words")
        try run.pipe([("a", "?", 1), ("b", "?", 2)])
        #expect(try run.read() == ["a=4@1", "b=unknown@2"])
        #expect(run.driver.droppedRecords == [.nullKey: 1])
        #expect(run.driver.writtenTopics(includingInternal: true) == ["out"])
    }

    @Test func repartitioningByHandNamesTheTopicAndFixesItsPartitions() throws {
        let run = try TableRun { builder in
            builder.stream("in", key: Serde.string.optional, value: Serde.string)
                .repartition(named: "by-hand", partitions: 3)
                .groupByKey().reduce { $0 + $1 }.toStream().to("out")
        }
        try run.pipe([("a", "x", 1), (nil, "y", 2), ("a", "z", 3)])
        #expect(try run.read() == ["a=x@1", "a=xz@3"])
        #expect(run.driver.writtenRecords(of: "test-by-hand-repartition").count == 2)
        let builder = StreamsBuilder()
        builder.stream("in", key: Serde.string, value: Serde.string).repartition(partitions: 0).to("out")
        #expect(throws: MillraceError.self) { try builder.build() }
    }
}
