import Millrace
import MillraceTestKit
import Testing

/// Time that goes on when input stops, with the clock of the test driver.
@Suite struct IdlenessTests {
    private static let second = Duration.seconds(1)

    private func run(after duration: Duration = .seconds(10), _ describe: (KStream<String, String>, StreamsBuilder) -> Void) throws
        -> TableRun
    {
        try TableRun { builder in
            builder.idleness(after: duration)
            describe(builder.stream("in", key: .string, value: .string), builder)
        }
    }

    private static func closing(_ stream: KStream<String, String>, _: StreamsBuilder) {
        stream.groupByKey().windowedBy(TimeWindows.tumbling(size: .seconds(5), grace: .seconds(2)), emit: .onWindowClose)
            .count(in: "counts").toStream { key, _ in key.key }.mapValues { "\($0 ?? 0)" }.to("out")
    }

    @Test func windowsCloseByTheClock() throws {
        let run = try run(Self.closing)
        try run.pipe([("a", "x", 1000), ("b", "x", 4000)])
        try run.driver.advanceWallClock(by: .milliseconds(9999))
        #expect(try run.read() == [])
        // Time is now 14,000: that of the last record and what has passed since.
        try run.driver.advanceWallClock(by: .milliseconds(1))
        #expect(try run.read() == ["a=1@1000", "b=1@4000"])
        try run.driver.advanceWallClock(by: .seconds(60))
        #expect(try run.read() == [])
    }

    @Test func timeIsThatOfTheLastRecordAndWhatHasPassed() throws {
        let run = try run(Self.closing)
        try run.pipe([("a", "x", 8000)])
        try run.driver.advanceWallClock(by: .milliseconds(3000))
        try run.pipe([("a", "x", 6000)])
        // The window from 5 s to 10 s closes at 12 s. The silence counts from the record of 6 s, at which time was 8 s.
        try run.driver.advanceWallClock(by: .milliseconds(9_000))
        #expect(try run.read() == [])
        try run.driver.advanceWallClock(by: .milliseconds(1_000))
        #expect(try run.read() == ["a=2@8000"])
        // Time is 18 s: what is older than that by more than the grace period is late now.
        try run.pipe([("a", "x", 9000), ("a", "x", 17_000)])
        #expect(run.driver.droppedRecords == [.late: 1])
        try run.driver.advanceWallClock(by: .seconds(20))
        #expect(try run.read() == ["a=1@17000"])
    }

    @Test func withoutItTimeStandsStill() throws {
        let run = try TableRun { Self.closing($0.stream("in", key: .string, value: .string), $0) }
        try run.pipe([("a", "x", 1000)])
        try run.driver.advanceWallClock(by: .seconds(1_000_000))
        #expect(try run.read() == [])
    }

    @Test func beforeTheFirstRecordThereIsNoTime() throws {
        let run = try run(Self.closing)
        try run.driver.advanceWallClock(by: .seconds(1_000_000))
        try run.pipe([("a", "x", 1000), ("a", "x", 8000)])
        #expect(try run.read() == ["a=1@1000"])
    }

    @Test func slidingWindowsAndSessionsClose() throws {
        let sliding = try run { stream, _ in
            stream.groupByKey().windowedBy(SlidingWindows(difference: .seconds(5), grace: .seconds(1)), emit: .onWindowClose)
                .count(in: "counts").toStream { key, _ in key.key }.mapValues { "\($0 ?? 0)" }.to("out")
        }
        try sliding.pipe([("a", "x", 10_000)])
        try sliding.driver.advanceWallClock(by: .seconds(10))
        #expect(try sliding.read() == ["a=1@10000"])
        let sessions = try run { stream, _ in
            stream.groupByKey().windowedBy(SessionWindows(gap: .seconds(5), grace: .seconds(1)), emit: .onWindowClose)
                .count(in: "counts").toStream { key, _ in key.key }.mapValues { "\($0 ?? 0)" }.to("out")
        }
        try sessions.pipe([("a", "x", 10_000), ("a", "x", 11_000)])
        try sessions.driver.advanceWallClock(by: .seconds(10))
        #expect(try sessions.read() == ["a=2@11000"])
    }

    @Test func hoppingWindowsClose() throws {
        let run = try run { stream, _ in
            stream.groupByKey().windowedBy(TimeWindows.hopping(size: .seconds(4), advance: .seconds(2)), emit: .onWindowClose)
                .count(in: "counts").toStream { key, _ in key.key }.mapValues { "\($0 ?? 0)" }.to("out")
        }
        try run.pipe([("a", "x", 10_000)])
        try run.driver.advanceWallClock(by: .seconds(10))
        #expect(try run.read() == ["a=1@10000", "a=1@10000"])
    }

    @Test func suppressedResultsLeave() throws {
        let run = try run { stream, _ in
            stream.groupByKey().count(in: "counts").suppress(.untilTimeLimit(.seconds(8))).toStream().mapValues { "\($0 ?? 0)" }.to("out")
        }
        try run.pipe([("a", "x", 1000), ("a", "x", 2000)])
        try run.driver.advanceWallClock(by: .seconds(10))
        #expect(try run.read() == ["a=2@2000"])
    }

    @Test func recordsWithoutPartnersLeave() throws {
        let run = try TableRun { builder in
            builder.idleness(after: .seconds(10))
            let left = builder.stream("in", key: .string, value: .string)
            left.outerJoin(builder.stream("right", key: .string, value: .string), within: JoinWindows(difference: .seconds(5))) {
                "\($0 ?? "-")+\($1 ?? "-")"
            }.to("out")
        }
        try run.pipe([("a", "l", 1000)])
        try run.pipe([("b", "r", 2000)], to: "right")
        try run.driver.advanceWallClock(by: .seconds(10))
        #expect(try run.read() == ["a=l+-@1000", "b=-+r@2000"])
        try run.driver.advanceWallClock(by: .seconds(10))
        #expect(try run.read() == [])
    }

    @Test func recordsThatWaitForRowsLeave() throws {
        let run = try TableRun { builder in
            builder.idleness(after: .seconds(10))
            let table = builder.table("rows", key: .string, value: .string, in: .versioned("rows", history: .seconds(60)))
            builder.stream("in", key: .string, value: .string).join(table, grace: .seconds(5)) { "\($0)+\($1)" }.to("out")
        }
        try run.pipe([("a", "row", 500)], to: "rows")
        try run.pipe([("a", "l", 1000)])
        #expect(try run.read() == [])
        try run.driver.advanceWallClock(by: .seconds(10))
        #expect(try run.read() == ["a=l+row@1000"])
    }

    @Test func whatLeavesMovesOnThroughWhatFollows() throws {
        let run = try run { stream, _ in
            stream.groupByKey().windowedBy(TimeWindows.tumbling(size: .seconds(1)), emit: .onWindowClose).count(in: "counts")
                .suppress(.untilTimeLimit(.seconds(3))).toStream { key, _ in key.key }.mapValues { "\($0 ?? 0)" }.to("out")
        }
        try run.pipe([("a", "x", 1000)])
        try run.driver.advanceWallClock(by: .seconds(10))
        #expect(try run.read() == ["a=1@1000"])
    }

    @Test func punctuationsAndTimersFire() throws {
        final class Ticker: Processor {
            let timers: Timers<String>
            init(_ context: ProcessorContext<String, String>) throws {
                timers = try context.timers("timers", by: .stream) {
                    try context.forward(Record(key: $0.key, value: "timer", timestamp: $0.time))
                }
                try context.schedule(every: .seconds(5), by: .stream) { now in
                    try context.forward(Record(key: "-", value: "tick", timestamp: now))
                }
            }
            func process(_ record: Record<String, String>) throws {
                try timers.set(record.key, at: record.timestamp.advanced(byMilliseconds: 7000))
            }
        }
        let run = try run { stream, _ in
            stream.process(bringing: [.timers("timers", key: .string)]) { try Ticker($0) }.to("out")
        }
        try run.pipe([("a", "x", 1000)])
        _ = try run.read()
        try run.driver.advanceWallClock(by: .seconds(10))
        #expect(try run.read().sorted() == ["-=tick@11000", "a=timer@8000"])
    }

    @Test func aDurationOfNothingIsRefused() {
        let error = #expect(throws: MillraceError.self) { try run(after: .zero, Self.closing) }
        #expect(error?.kind == .configuration)
    }
}
