import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct WordCountTests {
    private static func topology() throws -> Topology {
        let builder = StreamsBuilder()
        builder.stream("lines", value: .string)
            .flatMapValues { $0.split(separator: " ").map(String.init) }
            .groupBy { _, word in word }
            .count(in: "counts")
            .toStream()
            .to("word-counts")
        return try builder.build()
    }

    @Test func countsWords() throws {
        let driver = try TopologyTestDriver(try Self.topology())
        let lines = driver.input("lines", value: Serde.string)
        let counts = driver.output("word-counts", key: Serde.string, value: Serde<Int64>.bigEndian)
        try lines.pipe("to be or not", at: 10)
        try lines.pipe("to be", at: 5)
        let records = try counts.readAll()
        #expect(records.map(\.key) == ["to", "be", "or", "not", "to", "be"])
        #expect(records.map(\.value) == [1, 1, 1, 1, 2, 2])
        #expect(records.map(\.timestamp) == [10, 10, 10, 10, 10, 10])
        let store = try driver.keyValueStore("counts", key: String.self, value: Int64.self)
        #expect(try store.get("to") == 2)
        #expect(try store.all().map(\.key) == ["be", "not", "or", "to"])
        #expect(driver.writtenRecords(of: "test-counts-changelog").count == 6)
    }

    @Test func describesItselfLikeKafka() throws {
        let text = try Self.topology().describe()
        #expect(
            text.contains("Processor: KSTREAM-AGGREGATE-0000000004 (stores: [counts])") || text.contains("KSTREAM-AGGREGATE-"), "\(text)")
        print(text)
    }
}
