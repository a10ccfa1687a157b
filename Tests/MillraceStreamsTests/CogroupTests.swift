import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct CogroupTests {
    @Test func eachStreamHasItsOwnFunctionAndAllShareARow() throws {
        let builder = StreamsBuilder()
        let words: KStream<String, String> = builder.stream("words")
        let numbers: KStream<String, Int> = builder.stream("numbers")
        words.groupByKey().cogroup { _, word, text in text + word }
            .cogroup(numbers.groupByKey()) { _, number, text in number < 0 ? nil : text + "\(number)" }
            .aggregate(">", in: "texts")
            .toStream().to("out", value: Serde.string.optional)
        let driver = try TopologyTestDriver(try builder.build())
        let output = driver.output("out", key: .string, value: Serde.string.optional)
        try driver.input("words", key: .string, value: .string).pipe("k", "a", at: 20)
        try driver.input("numbers", key: .string, value: Serde<Int>.bigEndian).pipe("k", 7, at: 10)
        try driver.input("numbers", key: .string, value: Serde<Int>.bigEndian).pipe("k", -1, at: 30)
        try driver.input("words", key: .string, value: .string).pipe("k", "b", at: 30)
        let records = try output.readAll()
        #expect(records.map(\.value) == [">a", ">a7", nil, ">b"])
        #expect(records.map(\.timestamp) == [20, 20, 30, 30])
    }

    @Test func eachStreamOfAWindowedOneHasItsOwnTime() throws {
        let builder = StreamsBuilder()
        let left: KStream<String, String> = builder.stream("l")
        let right: KStream<String, String> = builder.stream("r")
        left.groupByKey().cogroup { _, value, text in text + value }
            .cogroup(right.groupByKey()) { _, value, text in text + value }
            .windowedBy(.tumbling(size: .milliseconds(10), grace: .milliseconds(20)))
            .aggregate("", in: "texts")
            .toStream { window, _ in "\(window)" }.to("out", value: Serde.string.optional)
        let driver = try TopologyTestDriver(try builder.build())
        try driver.input("l", key: .string, value: .string).pipe("k", "a", at: 35)
        try driver.input("r", key: .string, value: .string).pipe("k", "b", at: 12)
        try driver.input("l", key: .string, value: .string).pipe("k", "late", at: 3)
        let records = try driver.output("out", key: .string, value: Serde.string.optional).readAll()
        #expect(records.map { "\($0.key)=\($0.value ?? "nil")" } == ["k@30-40=a", "k@10-20=b"])
        #expect(driver.droppedRecords == [.late: 1])
    }

    @Test func anAggregatorThatNeedsAResultNeedsAnInitialOne() throws {
        let builder = StreamsBuilder()
        let words: KStream<String, String> = builder.stream("words")
        let cogrouped: CogroupedKStream<String, String> = words.groupByKey().cogroup { _, word, text in text + word }
        cogrouped.aggregate().toStream().to("out", value: Serde.string.optional)
        #expect(throws: MillraceError.self) { try builder.build() }
    }
}
