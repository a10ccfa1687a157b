import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

@Suite struct SuppressTests {
    private func run(_ suppression: TimeLimitSuppression) throws -> TableRun {
        try TableRun { builder in
            let table: KTable<String, String> = builder.table("in")
            table.suppress(suppression).toStream().to("out")
        }
    }

    @Test func aRowWaitsForItsTimeAndLeavesWithItsLastValue() throws {
        let run = try run(.untilTimeLimit(.milliseconds(10)))
        try run.pipe([("b", "1", 100), ("a", "1", 100), ("b", "2", 105), ("c", "1", 109)])
        #expect(try run.read() == [])
        try run.pipe([("z", "1", 110)])
        #expect(try run.read() == ["a=1@100", "b=2@105"])
    }

    @Test func aFullBufferLetsTheFirstOneGoEarly() throws {
        let run = try run(.untilTimeLimit(.milliseconds(1000), maximumRecords: 2))
        try run.pipe([("a", "1", 100), ("b", "1", 90), ("a", "2", 101), ("c", "1", 102)])
        #expect(try run.read() == ["b=1@90"])
    }

    @Test func aFullBufferStopsTheAppWhereAskedTo() throws {
        let run = try run(.untilTimeLimit(.milliseconds(1000), maximumRecords: 1, whenFull: .shutDown))
        try run.pipe([("a", "1", 100)])
        #expect(throws: MillraceError.self) { try run.pipe([("b", "1", 100)]) }
    }

    @Test func bytesAreCountedAsKafkaCountsThem() throws {
        // Due time 8, key 1, origin 20 + topic 2, value 1: 32 bytes a row.
        let run = try run(.untilTimeLimit(.milliseconds(1000), maximumBytes: 64))
        try run.pipe([("a", "1", 100), ("b", "1", 100)])
        #expect(try run.read() == [])
        try run.pipe([("c", "1", 100)])
        #expect(try run.read() == ["a=1@100"])
    }

    @Test func aWindowHasOneResultWhenItCloses() throws {
        let builder = StreamsBuilder()
        let stream: KStream<String, String> = builder.stream("in")
        stream.groupByKey().windowedBy(.tumbling(size: .milliseconds(10), grace: .milliseconds(5))).count()
            .suppress(.untilWindowCloses())
            .toStream { window, _ in "\(window)" }.to("out", value: Serde<Int64>.bigEndian.optional)
        let driver = try TopologyTestDriver(try builder.build())
        let input = driver.input("in", key: .string, value: .string)
        for time in [1, 12, 3, 14] { try input.pipe("k", "x", at: Timestamp(milliseconds: Int64(time))) }
        let output = driver.output("out", key: .string, value: Serde<Int64>.bigEndian)
        #expect(try output.readAll().isEmpty)
        try input.pipe("other", "x", at: 15)
        #expect(try output.readAll().map { "\($0.key)=\($0.value)" } == ["k@0-10=2"])
    }

    @Test func aTableOfWindowsThatNobodyKnowsIsAnError() throws {
        let builder = StreamsBuilder()
        let windows: Serde<Windowed<String>> = .timeWindowed(.string, size: .milliseconds(10))
        let table: KTable<Windowed<String>, String> = builder.table("in", key: windows)
        table.suppress(.untilWindowCloses()).toStream().to("out", key: windows)
        #expect(throws: MillraceError.self) { try builder.build() }
    }

    @Test func itIsRestoredFromItsChangelog() throws {
        final class NoTopics: TopicDirectory {
            func partitionCount(of topic: String) -> Int32 { 1 }
        }
        let task = TaskContext(
            id: TaskID(subtopology: 0, partition: 0), applicationID: "t", now: 0, logger: .silent, collector: RecordCollector(NoTopics()))
        func makeStore() -> SuppressionStore<String, String> {
            SuppressionStore(name: "s", key: .string, value: .string, countsBytes: true, task: task)
        }
        let store = makeStore()
        var numbers = SeededNumbers(seed: 3)
        var log: [LoggedChange] = []
        for step in 0..<400 {
            let record = Record(
                key: "\(Int.random(in: 0...60, using: &numbers))", value: Change(new: step % 7 == 0 ? nil : "\(step)", old: "o"),
                timestamp: Timestamp(milliseconds: Int64(step)), headers: step % 3 == 0 ? [Header("h", nil)] : [])
            try store.put(record, dueTime: Int64.random(in: 0...500, using: &numbers))
            if step % 4 == 0 { store.removeFirst() }
            if step % 10 == 0 { log += try store.commitChanges() }
        }
        log += try store.commitChanges()
        let restored = makeStore()
        try restored.restoreChanges(log)
        #expect(restored.count == store.count && restored.bufferedBytes == store.bufferedBytes)
        var last: Int64 = -1
        while let slot = store.first {
            let expected = store.entries[slot]
            let found = restored.entries[try #require(restored.first)]
            #expect(found.key == expected.key && found.change.new == expected.change.new && found.change.old == expected.change.old)
            #expect(found.origin.timestamp == expected.origin.timestamp && found.origin.headers == expected.origin.headers)
            let due = try #require(store.firstTime)
            #expect(due >= last)
            last = due
            store.removeFirst()
            restored.removeFirst()
        }
        #expect(restored.count == 0 && restored.bufferedBytes == 0)
    }
}
