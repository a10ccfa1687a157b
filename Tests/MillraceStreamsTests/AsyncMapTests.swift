import Millrace
import MillraceCore
import MillraceTestKit
@testable import MillraceStreams
import Synchronization
import Testing

/// What asynchronous closures did, and doors that they wait at until a test opens them.
final class Calls: Sendable {
    private struct State {
        var begun: [String] = []
        var atWork = 0
        var most = 0
        var isOpen: Bool
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state: Mutex<State>

    init(isOpen: Bool = true) {
        state = Mutex(State(isOpen: isOpen))
    }

    var begun: [String] { state.withLock { $0.begun } }
    /// The most calls that were at work at the same time.
    var most: Int { state.withLock { $0.most } }

    func open() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.isOpen = true
            return state.waiting
        }
        for one in waiting { one.resume() }
    }

    /// To be called by the closure.
    func work<Result>(_ name: String, _ body: () async throws -> Result) async rethrows -> Result {
        state.withLock { state in
            state.begun.append(name)
            state.atWork += 1
            state.most = max(state.most, state.atWork)
        }
        defer { state.withLock { $0.atWork -= 1 } }
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
        return try await body()
    }
}

private struct Refused: Error {}

/// Asynchronous maps in the test driver, which waits for them.
@Suite struct AsyncMapTests {
    @Test func resultsAreThoseOfTheirRecords() throws {
        let builder = StreamsBuilder()
        builder.stream("in", key: .string, value: .string)
            .mapValuesAsync { value in
                await Task.yield()
                return value + "!"
            }
            .mapValuesAsync { key, value in "\(key) \(value)" }
            .mapAsync { key, value in (key + key, value.utf8.count) }
            .to("out", value: .int)
        let driver = try TopologyTestDriver(try builder.build())
        let input = driver.input("in", key: .string, value: .string)
        try input.pipe("a", "x", at: 5, headers: [Header("h", text: "1")])
        try input.pipe("b", "", at: 3)
        let records = try driver.output("out", key: .string, value: .int).readAll()
        #expect(
            records == [
                Record(key: "aa", value: 4, timestamp: 5, headers: [Header("h", text: "1")]), Record(key: "bb", value: 3, timestamp: 3),
            ])
    }

    @Test func resultsComeInTheOrderOfTheInput() throws {
        let calls = Calls()
        // One record becomes many, more than may be in flight.
        let run = try TableRun { builder in
            builder.stream("in", key: .string, value: .string).flatMap { _, value in value.map { (String($0), "1") } }
                .mapValuesAsync(inFlight: 4) { key, value in
                    await calls.work(key) {
                        for _ in 0..<(Int(key.utf8.first ?? 0) * 7 % 5) { await Task.yield() }
                        return value
                    }
                }
                .to("out")
        }
        try run.pipe([("k", "abcdefghijabcdefghij", 1)])
        #expect(try run.read() == "abcdefghijabcdefghij".map { "\($0)=1@1" })
        #expect(calls.most <= 4)
    }

    @Test func callsOfAKeyComeOneByOne() throws {
        let calls = Calls()
        let run = try TableRun { builder in
            builder.stream("in", key: .string, value: .string).flatMapValues { $0.map { String($0) } }
                .mapValuesAsync(order: .perKey) { value in
                    await calls.work(value) {
                        await Task.yield()
                        return value
                    }
                }
                .to("out")
        }
        try run.pipe([("k", "abcdefghij", 1)])
        #expect(try run.read() == "abcdefghij".map { "k=\($0)@1" })
        #expect(calls.begun == "abcdefghij".map { String($0) })
        #expect(calls.most == 1)
    }

    @Test func recordsWithoutAKeyHaveNoOrderAmongThemselves() throws {
        let builder = StreamsBuilder()
        let calls = Calls(isOpen: false)
        builder.stream("in", value: .string).flatMapValues { $0.map { String($0) } }
            .mapValuesAsync { value in
                if value == "c" { calls.open() }
                return await calls.work(value) { value }
            }
            .to("out")
        let driver = try TopologyTestDriver(try builder.build())
        // The first two wait for the third.
        try driver.input("in", value: .string).pipe("abc", at: 1)
        #expect(try driver.output("out", key: Serde.string.optional, value: .string).readAll().map(\.value) == ["a", "b", "c"])
    }

    @Test func aCallIsMadeAgain() throws {
        let calls = Calls()
        let run = try TableRun { builder in
            builder.stream("in", key: .string, value: .string)
                // An hour takes no time in the driver.
                .mapValuesAsync(retry: .fixed(attempts: 3, every: .seconds(3600))) { value in
                    try await calls.work(value) {
                        if calls.begun.filter({ $0 == value }).count < 4 { throw Refused() }
                        return value
                    }
                }
                .to("out")
        }
        try run.pipe([("a", "x", 1), ("b", "y", 2)])
        #expect(try run.read() == ["a=x@1", "b=y@2"])
        #expect(calls.begun == ["x", "x", "x", "x", "y", "y", "y", "y"])
    }

    @Test func theLastFailureIsTheRecords() throws {
        let run = try TableRun { builder in
            builder.stream("in", key: .string, value: .string)
                .mapValuesAsync(retry: .exponential(attempts: 2, from: .milliseconds(1)), named: "ask") { value -> String in throw Refused()
                }
                .to("out")
        }
        let error = #expect(throws: MillraceError.self) { try run.pipe([("a", "x", 1)]) }
        #expect(error?.kind == .processing)
        #expect(error?.node == "ask")
        #expect(error?.record == RecordMetadata(topic: "in", partition: 0, offset: 0))
        #expect(error?.cause is Refused)
    }

    @Test func whatTakesTooLongIsCancelled() throws {
        let run = try TableRun { builder in
            builder.stream("in", key: .string, value: .string)
                .mapValuesAsync(timeout: .milliseconds(30)) { value in
                    try await Task.sleep(for: .seconds(3600))
                    return value
                }
                .to("out")
        }
        let error = #expect(throws: MillraceError.self) { try run.pipe([("a", "x", 1)]) }
        #expect(error?.message.contains("longer than 30 ms in attempt 1 of 1") == true)
    }

    /// A closure that does not heed cancellation: its late answer is not taken for that of the next attempt.
    @Test func aLateAnswerIsNoAnswer() throws {
        let calls = Calls(isOpen: false)
        let run = try TableRun { builder in
            builder.stream("in", key: .string, value: .string)
                .mapValuesAsync(timeout: .milliseconds(30), retry: .fixed(attempts: 1, every: .zero)) { value in
                    if !calls.begun.isEmpty {
                        calls.open()
                        // The first one's answer comes meanwhile.
                        for _ in 0..<5 { await Task.yield() }
                        return "second"
                    }
                    return await calls.work(value) { "first" }
                }
                .to("out")
        }
        try run.pipe([("a", "x", 1)])
        #expect(try run.read() == ["a=second@1"])
    }

    @Test func delays() {
        let policy = RetryPolicy.exponential(attempts: 5, from: .milliseconds(100), upTo: .seconds(1))
        #expect((1...6).map { policy.delay(after: $0) } == [100, 200, 400, 800, 1000, nil])
        #expect(RetryPolicy.never.delay(after: 1) == nil)
        let endless = RetryPolicy.exponential(attempts: .max, from: .seconds(1), upTo: .seconds(Int64.max))
        #expect(endless.delay(after: 1_000_000) == .max)
        #expect(RetryPolicy.fixed(attempts: 2, every: .zero).delay(after: 2) == 0)
    }

    @Test func impossibleNumbersAreRefused() {
        let error = #expect(throws: MillraceError.self) {
            let builder = StreamsBuilder()
            builder.stream("in", key: .string, value: .string).mapValuesAsync(inFlight: 0) { $0 }.to("out")
            _ = try builder.build()
        }
        #expect(error?.kind == .configuration)
    }
}
