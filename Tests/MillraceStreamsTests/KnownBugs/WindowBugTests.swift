import Millrace
import MillraceTestKit
import Testing

/// Bugs of windows and time in Kafka Streams.
@Suite struct WindowBugTests {
    /// KAFKA-13739: sliding windows without grace dropped records that were not late.
    @Test func slidingWindowsWithoutGrace() throws {
        let (driver, sent) = try TimeWindowTests.run([("a", "x", 100), ("a", "x", 105), ("a", "x", 115)]) {
            $0.windowedBy(SlidingWindows(difference: .milliseconds(10), grace: .zero)).count(in: "counts")
        }
        #expect(sent == ["a@90-100=1 100", "a@101-111=1 105", "a@95-105=2 105", "a@106-116=1 115", "a@105-115=2 115"])
        #expect(driver.droppedRecords == [:])
    }

    /// KAFKA-9524: with a grace period of more than a day the store forgot windows that still took records.
    @Test func windowsLiveAsLongAsTheirGrace() throws {
        let hour: Int64 = 3_600_000
        let (driver, sent) = try TimeWindowTests.run([
            ("a", "x", 0), ("a", "x", Timestamp(milliseconds: 48 * hour)), ("a", "x", Timestamp(milliseconds: hour - 1)),
        ]) {
            $0.windowedBy(.tumbling(size: .seconds(3600), grace: .seconds(48 * 3600))).count(in: "counts")
        }
        #expect(sent.last == "a@0-3600000=2 3599999")
        #expect(driver.droppedRecords == [:])
    }

    /// KAFKA-8615: an extractor was told another time than the highest of the records that it had given times to.
    @Test func anExtractorIsToldTheTimeOfThePartition() throws {
        let run = try TableRun { builder in
            let stream: KStream<String, String> = builder.stream(
                "in",
                timestamp: TimestampExtractor(withPartitionTime: { record, partitionTime in
                    record.value == "?" ? partitionTime : Timestamp(milliseconds: Int64(record.value) ?? -1)
                }))
            stream.to("out")
        }
        try run.pipe([("k", "?", 900), ("k", "70", 1), ("k", "50", 2), ("k", "?", 3), ("k", "80", 4), ("k", "?", 5)])
        #expect(try run.read() == ["k=70@70", "k=50@50", "k=?@70", "k=80@80", "k=?@80"])
        #expect(run.driver.droppedRecords == [.invalidTimestamp: 1])
    }

    /// KAFKA-12323: punctuations passed on records with the time of a record before.
    /// KAFKA-14294: what only a punctuation wrote was not committed.
    @Test func whatAPunctuationSendsHasItsTimeAndIsCommitted() async throws {
        let app = try AppOnDisk(topics: ["in": 1, "out": 1])
        let running = try await RunningApp(app) { builder in
            let stream: KStream<String, String> = builder.stream("in")
            stream.process { try OneTick($0) }.to("out")
        }
        while try app.read("out").isEmpty, running.app.state == .running { try await Task.sleep(for: .milliseconds(2)) }
        try await running.stop()
        #expect(try app.read("out") == ["tick=true"])
    }
}

/// Sends one record at the first tick of the wall clock, which tells whether its time was kept.
private final class OneTick: Processor {
    init(_ context: ProcessorContext<String, String>) throws {
        var tick: Punctuation?
        tick = try context.schedule(every: .milliseconds(10), by: .wallClock) { time in
            try context.forward(Record(key: "tick", value: "\(time > 1_000_000_000_000)", timestamp: time))
            tick?.cancel()
        }
    }

    func process(_ record: Record<String, String>) {}
}
