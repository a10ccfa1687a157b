import Millrace
import MillraceTestKit
import Testing

@Suite struct DeduplicateTests {
    private static func run(
        within duration: Duration = .milliseconds(10), grace: Duration? = nil, _ store: Materialized = "seen"
    ) throws -> TableRun {
        try TableRun { builder in
            let lines = builder.stream("in", key: Serde.string.optional, value: Serde.string.optional)
            lines.deduplicate(within: duration, grace: grace, in: store).map { ($0 ?? "-", $1) }.to("out")
        }
    }

    @Test func aKeyPassesOncePerDuration() throws {
        let run = try Self.run()
        try run.pipe([("a", "1", 100), ("a", "2", 105), ("b", "3", 105), ("a", "4", 110), ("a", "5", 111), ("a", nil, 112)])
        #expect(try run.read() == ["a=1@100", "b=3@105", "a=5@111"])
        #expect(run.driver.droppedRecords == [.duplicate: 3])
    }

    @Test func whatComesOutOfOrder() throws {
        let run = try Self.run(grace: .milliseconds(50))
        try run.pipe([
            ("a", "1", 100),
            ("a", "2", 95),  // would repeat a younger one
            ("a", "3", 89),  // far enough before it
            ("b", "4", 149), ("a", "5", 99),  // a duplicate of both
            ("a", "6", 111),  // late, but known to be new
            ("a", "7", 99),  // 50 behind is not too late, 51 is
            ("a", "8", 98), ("c", "9", 100),
        ])
        try run.pipe([("z", "10", 151), ("c", "11", 100), ("d", "12", 101)])
        #expect(try run.read() == ["a=1@100", "a=3@89", "b=4@149", "a=6@111", "c=9@100", "z=10@151", "d=12@101"])
        #expect(run.driver.droppedRecords == [.duplicate: 3, .late: 2])
    }

    @Test func recordsWithoutAKeyAreDropped() throws {
        let run = try Self.run()
        try run.pipe([(nil, "1", 1), (nil, "2", 2)])
        #expect(try run.read() == [])
        #expect(run.driver.droppedRecords == [.nullKey: 2])
    }

    @Test func idsAreToldApartByKey() throws {
        let run = try TableRun { builder in
            let lines = builder.stream("in", key: .string, value: .string)
            lines.deduplicate(by: { _, value in value == "none" ? nil : value }, within: .milliseconds(10), in: "seen").to("out")
        }
        try run.pipe([("a", "x", 1), ("b", "x", 2), ("a", "x", 3), ("a", "none", 4), ("a", "none", 5), ("ax", "", 6), ("a", "x", 12)])
        // Key and id do not run into each other.
        #expect(try run.read() == ["a=x@1", "b=x@2", "a=none@4", "a=none@5", "ax=@6", "a=x@12"])
        #expect(run.driver.droppedRecords == [.duplicate: 1])
    }

    @Test func headersPassOn() throws {
        let builder = StreamsBuilder()
        builder.stream("in", key: .string, value: .string).deduplicate(within: .seconds(1)).to("out")
        let driver = try TopologyTestDriver(try builder.build())
        try driver.input("in", key: .string, value: .string).pipe("a", "1", at: 5, headers: [Header("h", text: "x")])
        #expect(try driver.output("out", key: .string, value: .string).read()?.headers == [Header("h", text: "x")])
    }

    @Test func aChangedKeyGoesThroughARepartitionTopic() throws {
        let builder = StreamsBuilder(requiresNames: true)
        builder.stream("in", key: .string, value: .string).selectKey { _, id in id }
            .deduplicate(within: .seconds(1), in: "seen", named: "once").groupByKey().count(in: "counts").toStream().to("out")
        let topology = try builder.build()
        #expect(topology.describe().contains("once-repartition"))
        #expect(!topology.describe().contains("counts-repartition"))
        let driver = try TopologyTestDriver(topology)
        let input = driver.input("in", key: .string, value: .string)
        for (number, key) in ["a", "b", "c"].enumerated() { try input.pipe(key, "same", at: Timestamp(milliseconds: Int64(number))) }
        #expect(try driver.output("out", key: .string, value: .int64).readAll().map(\.value) == [1])
    }

    @Test func negativeTimesAreRefused() {
        let error = #expect(throws: MillraceError.self) {
            let builder = StreamsBuilder()
            builder.stream("in", key: .string, value: .string).deduplicate(within: .seconds(-1)).to("out")
            _ = try builder.build()
        }
        #expect(error?.kind == .configuration)
    }

    /// Against all records that ever passed.
    @Test(arguments: 0..<20) func asTheModelSays(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed + 1)
        let duration = Int64.random(in: 0...40, using: &numbers) * (seed % 2 == 0 ? 1 : 10_000)
        let grace = Int64.random(in: 0...60, using: &numbers) * (seed % 2 == 0 ? 1 : 10_000)
        let run = try Self.run(within: .milliseconds(duration), grace: .milliseconds(grace))
        var passed: [(key: String, time: Int64)] = []
        var expected: [String] = []
        var streamTime: Int64 = -1
        var base: Int64 = 0
        for number in 0..<300 {
            base += Int64.random(in: 0...max(1, duration / 3), using: &numbers)
            let time = max(
                0, base - Int64.random(in: 0...max(1, duration + grace), using: &numbers) * Int64.random(in: 0...1, using: &numbers))
            let key = ["a", "b", "c"].randomElement(using: &numbers) ?? "a"
            try run.pipe([(key, "\(number)", Timestamp(milliseconds: time))])
            streamTime = max(streamTime, time)
            guard time >= streamTime - grace, !passed.contains(where: { $0.key == key && abs($0.time - time) <= duration }) else {
                continue
            }
            passed.append((key, time))
            expected.append("\(key)=\(number)@\(time)")
        }
        #expect(try run.read() == expected)
    }

    @Test func theEndOfTime() throws {
        let run = try Self.run(within: .seconds(Int64.max), grace: .seconds(Int64.max))
        try run.pipe([("a", "1", 0), ("a", "2", Timestamp(milliseconds: .max)), ("b", "3", Timestamp(milliseconds: .max)), ("c", "4", 5)])
        #expect(try run.read() == ["a=1@0", "b=3@\(Int64.max)", "c=4@5"])
    }
}
