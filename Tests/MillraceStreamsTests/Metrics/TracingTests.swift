import Millrace
import MillraceTestKit
import Synchronization
import Testing

/// Trace headers on their way from input to output.
@Suite struct TracingTests {
    private static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private static func headers(_ traceparent: String) -> Headers {
        [Header("other", text: "1"), Header("traceparent", text: traceparent), Header("tracestate", text: "vendor=x")]
    }

    private static func text(_ headers: Headers) -> [String] {
        headers.map { "\($0.name)=\(String(decoding: $0.value ?? [], as: UTF8.self))" }
    }

    private func outputs(_ inputs: [(topic: String, key: String, value: String, time: Timestamp)], _ describe: (StreamsBuilder) -> Void)
        throws -> [[String]]
    {
        let builder = StreamsBuilder()
        describe(builder)
        let driver = try TopologyTestDriver(try builder.build())
        for (number, input) in inputs.enumerated() {
            try driver.input(input.topic, key: Serde.string, value: Serde.string).pipe(
                input.key, input.value, at: input.time, headers: Self.headers("trace-\(number)"))
        }
        return driver.writtenRecords(of: "out").map { Self.text($0.headers) }
    }

    private static func expected(_ number: Int) -> [String] { ["other=1", "traceparent=trace-\(number)", "tracestate=vendor=x"] }

    @Test func throughRepartitionAndAggregation() throws {
        let found = try outputs([("in", "a", "x", 1), ("in", "b", "x", 2)]) { builder in
            (builder.stream("in") as KStream<String, String>).groupBy { $1 }.count(in: "store").toStream().mapValues { $0.map(String.init) }
                .to("out")
        }
        #expect(found == [Self.expected(0), Self.expected(1)])
    }

    @Test func throughJoins() throws {
        let windows = JoinWindows(difference: .milliseconds(10), grace: .zero)
        let ofStreams = try outputs([("l", "a", "x", 1), ("r", "a", "y", 2), ("l", "a", "z", 3)]) { builder in
            let left: KStream<String, String> = builder.stream("l")
            left.join(builder.stream("r") as KStream<String, String>, within: windows) { $0 + $1 }.to("out")
        }
        #expect(ofStreams == [Self.expected(1), Self.expected(2)], "those of the record that completes the pair")
        let withATable = try outputs([("t", "a", "x", 1), ("l", "a", "y", 2)]) { builder in
            let table: KTable<String, String> = builder.table("t")
            (builder.stream("l") as KStream<String, String>).join(table) { $0 + $1 }.to("out")
        }
        #expect(withATable == [Self.expected(1)])
        let ofTables = try outputs([("t", "a", "x", 1), ("u", "a", "y", 2), ("t", "a", "z", 3)]) { builder in
            let table: KTable<String, String> = builder.table("t")
            table.join(builder.table("u") as KTable<String, String>) { $0 + $1 }.toStream().to("out")
        }
        #expect(ofTables == [Self.expected(1), Self.expected(2)])
        let byForeignKey = try outputs([("u", "x", "row", 1), ("t", "a", "x", 2), ("u", "x", "new", 3)]) { builder in
            let table: KTable<String, String> = builder.table("t")
            table.join(builder.table("u") as KTable<String, String>, foreignKey: { $1 }) { $0 + $1 }.toStream().to("out")
        }
        #expect(byForeignKey == [Self.expected(1), Self.expected(2)])
    }

    @Test func throughWindowsAndSuppression() throws {
        let found = try outputs([("in", "a", "x", 1), ("in", "a", "y", 2), ("in", "a", "z", 20)]) { builder in
            let stream: KStream<String, String> = builder.stream("in")
            stream.groupByKey().windowedBy(.tumbling(size: .milliseconds(10), grace: .zero)).count(in: "store")
                .suppress(.untilWindowCloses()).toStream { window, _ in window.key }.mapValues { $0.map(String.init) }.to("out")
        }
        #expect(found == [Self.expected(1)], "those of the last record in the window")
    }

    private final class Spans: Sendable {
        let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }

        var tracer: RecordTracer {
            RecordTracer { [self] record in
                guard let parent = record.traceparent else { return nil }
                let place = "\(record.task) \(record.topic)@\(record.offset)"
                add("begin \(place) \(parent) \(record.tracestate ?? "-")")
                return RecordTracer.Span(traceparent: parent + "+") { error in
                    self.add("end \(place)\(error == nil ? "" : " failed")")
                }
            }
        }
    }

    private func traced(_ describe: (StreamsBuilder) -> Void, spans: Spans) async throws -> EngineRun {
        let builder = StreamsBuilder()
        describe(builder)
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "out": 1])
        run.memory = MemoryByteStore()
        run.configuration.tracer = spans.tracer
        run.configuration.failures.processing = .skip
        let appender = try run.log.openAppender(to: "in", named: "test", group: "test")
        try appender.append(key: "a", value: "x", timestamp: 1, headers: Self.headers(Self.parent))
        try appender.append(key: "a", value: "untraced", timestamp: 2)
        try appender.append(key: "a", value: "bad", timestamp: 3, headers: [Header("traceparent", text: "bad")])
        try appender.append(key: "a", value: "odd", timestamp: 4, headers: [Header("traceparent", [0xFF]), Header("n", nil)])
        try appender.commit()
        appender.close()
        try await run.runUntilIdle()
        return run
    }

    @Test func aTracerPutsItsSpansInBetween() async throws {
        let spans = Spans()
        let run = try await traced(
            { builder in
                (builder.stream("in") as KStream<String, String>).mapValues { value in
                    if value == "bad" { throw MillraceError(.processing, "bad") }
                    return value
                }.repartition().to("out")
            }, spans: spans)
        #expect(
            try run.records(of: "out").map { Self.text($0.headers) } == [
                ["other=1", "tracestate=vendor=x", "traceparent=\(Self.parent)++"], [], ["traceparent=\u{FFFD}", "n="],
            ])
        let lines = spans.lines.withLock { $0 }
        #expect(
            lines.filter { $0.contains(" 0_0 ") } == [
                "begin 0_0 in@0 \(Self.parent) vendor=x", "end 0_0 in@0", "begin 0_0 in@2 bad -", "end 0_0 in@2 failed",
            ])
        #expect(lines.filter { $0.contains(" 1_0 ") }.first?.contains("\(Self.parent)+ vendor=x") == true)
        #expect(lines.filter { $0.contains(" 1_0 ") }.count == 2)
    }
}
