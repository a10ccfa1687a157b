import Millrace
import MillraceTestKit
import Testing

/// Sets, moves and takes away timers as values say: `at TIME NAME`, `cancel NAME`, `time NAME`, `throw TIME`.
private final class TimerProcessor: Processor {
    let context: ProcessorContext<String, String>
    let timers: Timers<String>

    init(_ context: ProcessorContext<String, String>, by clock: PunctuationTime) throws {
        self.context = context
        timers = try context.timers("timers", by: clock) { timer in
            if timer.name == "throws" { throw MillraceError(.processing, "thrown by a timer") }
            try context.forward(Record(key: timer.key, value: "fired \(timer.name)", timestamp: timer.time))
        }
    }

    func process(_ record: Record<String, String>) throws {
        let words = record.value.split(separator: " ").map(String.init) + ["", ""]
        let say = { [context] (text: String) in try context.forward(record.with(value: text)) }
        switch words[0] {
        case "at":
            let old = try timers.set(record.key, at: Timestamp(milliseconds: Int64(words[1]) ?? 0), name: words[2])
            if let old { try say("was \(old)") }
        case "cancel": try say("cancelled \(try timers.cancel(record.key, name: words[1])?.description ?? "nothing")")
        case "time": try say("time \(try timers.time(of: record.key, name: words[1])?.description ?? "none")")
        default: break
        }
    }
}

@Suite struct TimerTests {
    private func run(by clock: PunctuationTime = .stream) throws -> TableRun {
        try TableRun { builder in
            builder.stream("in", key: .string, value: .string)
                .process(bringing: [.timers("timers", key: .string)]) { try TimerProcessor($0, by: clock) }.to("out")
        }
    }

    @Test func fireInTheOrderOfTime() throws {
        let run = try run()
        try run.pipe([("b", "at 50", 1), ("a", "at 50 y", 2), ("a", "at 50 x", 3), ("c", "at 20", 4), ("d", "at 90", 5)])
        #expect(try run.read() == [])
        try run.pipe([("z", "", 19)])
        #expect(try run.read() == [])
        try run.pipe([("z", "", 20)])
        #expect(try run.read() == ["c=fired @20"])
        try run.pipe([("z", "", 1000)])
        #expect(try run.read() == ["a=fired x@50", "a=fired y@50", "b=fired @50", "d=fired @90"])
        try run.pipe([("z", "", 2000)])
        #expect(try run.read() == [])
    }

    @Test func oneForEachKeyAndName() throws {
        let run = try run()
        try run.pipe([("a", "at 50", 1), ("a", "at 30", 2), ("a", "at 70", 3), ("a", "time", 4), ("a", "at 60 x", 5), ("b", "time", 6)])
        #expect(try run.read() == ["a=was 50@2", "a=was 30@3", "a=time 70@4", "b=time none@6"])
        try run.pipe([("a", "cancel x", 7), ("a", "cancel x", 8), ("z", "", 100), ("a", "time", 101)])
        #expect(try run.read() == ["a=cancelled 60@7", "a=cancelled nothing@8", "a=fired @70", "a=time none@101"])
    }

    @Test func aRecordMayCancelWhatItMakesDue() throws {
        let run = try run()
        try run.pipe([("a", "at 50", 1), ("a", "cancel", 60), ("a", "at 10", 61)])
        // A time in the past fires behind the record.
        #expect(try run.read() == ["a=cancelled 50@60", "a=fired @10"])
    }

    @Test func byTheTimeOfDay() throws {
        let run = try run(by: .wallClock)
        try run.pipe([("a", "at 50", 1), ("b", "at 20", 1_000_000)])
        #expect(try run.read() == [])
        try run.driver.advanceWallClock(by: .milliseconds(30))
        #expect(try run.read() == ["b=fired @20"])
        try run.driver.advanceWallClock(by: .seconds(30))
        #expect(try run.read() == ["a=fired @50"])
    }

    @Test func whatThrowsDoesNotHoldUpTheRest() async throws {
        let builder = StreamsBuilder()
        builder.stream("in", key: .string, value: .string)
            .process(bringing: [.timers("timers", key: .string)]) { try TimerProcessor($0, by: .stream) }.to("out")
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "out": 1])
        run.configuration.failures.processing = .skip
        try run.put(
            [("a", "at 10 throws", 1), ("b", "at 10", 2), ("c", "at 11", 3), ("z", "", 100)].map {
                Input(topic: "in", key: $0.0, value: $0.1, time: $0.2)
            })
        let app = try await run.runUntilIdle()
        #expect(try run.records(of: "out").map { EngineRun.text($0.value ?? []) } == ["fired ", "fired "])
        #expect(app.droppedRecords == [.processing: 1])
        try run.put([Input(topic: "in", key: "z", value: "", time: 200)])
        try await run.runUntilIdle()
        #expect(try run.records(of: "out").count == 2)
    }

    @Test func processorsThatKeepTheKey() throws {
        final class Reminder: FixedKeyProcessor {
            let timers: Timers<String>
            init(_ context: FixedKeyProcessorContext<String, String>) throws {
                timers = try context.timers("timers", by: .stream) { try context.forward("due", for: $0) }
            }
            func process(_ record: FixedKeyRecord<String, String>) throws {
                try timers.set(record.key, at: record.timestamp.advanced(byMilliseconds: 10))
            }
        }
        let run = try TableRun { builder in
            builder.stream("in", key: .string, value: .string)
                .processValues(bringing: [.timers(.inMemory("timers"), key: .string)]) { try Reminder($0) }.to("out")
        }
        try run.pipe([("a", "1", 1), ("b", "1", 11), ("a", "1", 11)])
        #expect(try run.read() == ["a=due@11"])
        try run.pipe([("c", "1", 21)])
        #expect(try run.read() == ["a=due@21", "b=due@21"])
    }

    /// Against a dictionary that is searched.
    @Test(arguments: 0..<20) func asTheModelSays(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed + 1)
        let run = try run()
        var model: [String: Int64] = [:]
        var time: Int64 = 0
        var expected: [String] = []
        for _ in 0..<300 {
            let key = "\(Int.random(in: 0..<12, using: &numbers))"
            time += Int64.random(in: 0...5, using: &numbers)
            if Int.random(in: 0..<4, using: &numbers) == 0 {
                expected.append("\(key)=cancelled \(model.removeValue(forKey: key)?.description ?? "nothing")@\(time)")
                try run.pipe([(key, "cancel", Timestamp(milliseconds: time))])
            } else {
                let due = time + Int64.random(in: -5...80, using: &numbers)
                if let old = model.updateValue(max(0, due), forKey: key) { expected.append("\(key)=was \(old)@\(time)") }
                try run.pipe([(key, "at \(due)", Timestamp(milliseconds: time))])
            }
            let due = model.filter { $0.value <= time }.sorted { ($0.value, $0.key.count, $0.key) < ($1.value, $1.key.count, $1.key) }
            for (key, time) in due {
                model[key] = nil
                expected.append("\(key)=fired @\(time)")
            }
        }
        #expect(try run.read() == expected)
    }
}
