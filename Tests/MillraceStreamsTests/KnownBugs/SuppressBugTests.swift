import Millrace
import MillraceTestKit
import Testing

/// Bugs of suppression in Kafka Streams.
@Suite struct SuppressBugTests {
    /// KAFKA-8289: sessions that merge sent results of sessions that are no more.
    @Test func sessionsHaveOneResult() throws {
        let run = try TableRun { builder in
            let visits: KStream<String, String> = builder.stream("in")
            visits.groupByKey().windowedBy(SessionWindows(gap: .milliseconds(10), grace: .milliseconds(5)))
                .reduce { $0 + $1 }.suppress(.untilWindowCloses())
                .toStream { window, _ in "\(window)" }.to("out", value: Serde.string.optional)
        }
        try run.pipe([("a", "1", 100), ("a", "2", 112), ("a", "3", 106), ("b", "4", 104), ("z", "5", 126)])
        #expect(try run.read() == ["b@104-104=4@104"])
        try run.pipe([("z", "6", 127)])
        #expect(try run.read() == ["a@100-112=123@112"])
    }

    /// KAFKA-10417: suppression behind a cogroup failed on its first record.
    @Test func behindACogroup() throws {
        let run = try TableRun { builder in
            let left: KStream<String, String> = builder.stream("in")
            let right: KStream<String, String> = builder.stream("right")
            left.groupByKey().cogroup { _, value, text in text + value }
                .cogroup(right.groupByKey()) { _, value, text in text + value.uppercased() }
                .windowedBy(.tumbling(size: .milliseconds(10))).aggregate("", in: "texts")
                .suppress(.untilWindowCloses())
                .toStream { window, _ in "\(window)" }.to("out", value: Serde.string.optional)
        }
        try run.pipe([("k", "a", 1)])
        try run.pipe([("k", "b", 2), ("k", "c", 10)], to: "right")
        #expect(try run.read() == ["k@0-10=aB@2"])
    }

    /// KAFKA-7895: after a restart or a move a window had a second "final" result, or one of a task's partitions pushed another's time.
    @Test func oneResultOverRestartsAndLostState() async throws {
        let app = try AppOnDisk(topics: ["in": 2, "out": 1])
        func run() async throws {
            try await app.run { builder in
                let visits: KStream<String, String> = builder.stream("in")
                visits.groupByKey().windowedBy(.tumbling(size: .milliseconds(10), grace: .milliseconds(20))).reduce { $0 + $1 }
                    .suppress(.untilWindowCloses())
                    .toStream { window, _ in "\(window)" }.to("out", value: Serde.string.optional)
            }
        }
        let keys = (0..<6).map { "k\($0)" }
        try app.write(keys.map { ($0, "a", 1) }, to: "in")
        try await run()
        try app.removeState()
        try app.write(keys.map { ($0, "b", 2) }, to: "in")
        try await run()
        #expect(try app.read("out") == [])
        // Behind the end of the window, for every partition; and once more, too late.
        try app.write(keys.map { ($0, "c", 40) } + keys.map { ($0, "late", 3) }, to: "in")
        try await run()
        try app.removeState()
        try app.write(keys.map { ($0, "later", 4) }, to: "in")
        try await run()
        #expect(try app.read("out").sorted() == keys.map { "\($0)@0-10=ab" }.sorted())
    }
}
