import MillraceCore
import MillracePlan
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct StreamJoinTests {
    /// A join of topics `l` and `r` over text that may be missing, and what it writes.
    private struct Run {
        let driver: TopologyTestDriver

        init(
            repartitioned: Bool = false, optimizations: TopologyOptimizations = [],
            _ join: (KStream<String?, String?>, KStream<String?, String?>) -> KStream<String?, String>
        ) throws {
            let builder = StreamsBuilder()
            let text = Serde.string.optional
            var left = builder.stream("l", key: text, value: text)
            if repartitioned { left = left.selectKey { _, value in value } }
            join(left, builder.stream("r", key: text, value: text)).to("out", key: text)
            driver = try TopologyTestDriver(try builder.build(optimizations: optimizations))
        }

        func pipe(_ topic: String, _ key: String?, _ value: String?, _ time: Timestamp, headers: Headers = []) throws {
            try driver.input(topic, key: Serde.string.optional, value: Serde.string.optional).pipe(key, value, at: time, headers: headers)
        }

        func read() throws -> [String] {
            try driver.output("out", key: Serde.string.optional, value: Serde.string).readAll().map {
                "\($0.key ?? "nil")=\($0.value)@\($0.timestamp)"
            }
        }
    }

    private static let windows = JoinWindows(difference: .milliseconds(10), grace: .milliseconds(5))

    private static func outer(_ left: KStream<String?, String?>, _ right: KStream<String?, String?>) -> KStream<String?, String> {
        left.outerJoin(right, within: windows) { left, right in "\(left ?? "-")+\(right ?? "-")" }
    }

    @Test func theDifferenceIsInclusive() throws {
        let builder = StreamsBuilder()
        let left: KStream<String, String> = builder.stream("l")
        let right: KStream<String, Int> = builder.stream("r")
        left.join(right, within: JoinWindows(difference: .milliseconds(10), grace: .milliseconds(5), before: .milliseconds(3))) {
            key, left, right in
            "\(key) \(left) \(right)"
        }.to("out")
        let driver = try TopologyTestDriver(try builder.build())
        for (value, time) in [(1, 96), (2, 97), (3, 110), (4, 111)] {
            try driver.input("r", key: .string, value: Serde<Int>.bigEndian).pipe("k", value, at: Timestamp(milliseconds: Int64(time)))
        }
        try driver.input("l", key: .string, value: .string).pipe("k", "x", at: 100)
        let records = try driver.output("out", key: .string, value: .string).readAll()
        #expect(records.map(\.value) == ["k x 2", "k x 3"])
        #expect(records.map(\.timestamp) == [100, 110])
    }

    @Test func anInnerJoinDropsAndCountsMissingKeysAndValues() throws {
        let builder = StreamsBuilder()
        let text = Serde.string.optional
        let joined: KStream<String, String> = builder.stream("l", key: text, value: text)
            .join(builder.stream("r", key: text, value: text), within: Self.windows) { (left: String, right: String) in left + right }
        joined.to("out")
        let driver = try TopologyTestDriver(try builder.build())
        let input = driver.input("l", key: text, value: text)
        try input.pipe(nil, "x", at: 1)
        try input.pipe("k", nil, at: 2)
        #expect(driver.droppedRecords == [.nullKey: 1, .nullValue: 1])
    }

    @Test func aLeftRecordWaitsForItsWindowAndTheGracePeriod() throws {
        let run = try Run { left, right in
            left.leftJoin(right, within: Self.windows) { (left: String, right: String?) in "\(left)+\(right ?? "-")" }
        }
        try run.pipe("l", "a", "1", 100)
        try run.pipe("r", "b", "x", 115)
        #expect(try run.read() == [])
        try run.pipe("r", "a", "y", 110)
        #expect(try run.read() == ["a=1+y@110"])
        try run.pipe("l", "c", "2", 116)
        try run.pipe("r", "b", "z", 200)
        #expect(try run.read() == ["c=2+-@116"])
        try run.pipe("l", nil, "3", 201)
        #expect(try run.read() == ["nil=3+-@201"])
    }

    @Test func anOuterJoinReleasesInOrderOfTimeThenSideThenKeyWithTheReleasingHeaders() throws {
        let run = try Run(Self.outer)
        try run.pipe("l", "b", "1", 100)
        try run.pipe("l", "a", "2", 100)
        try run.pipe("r", "z", "3", 100)
        try run.pipe("r", "y", "4", 99)
        try run.pipe("l", "q", "5", 300, headers: [Header("h", text: "v")])
        #expect(try run.read() == ["y=-+4@99", "z=-+3@100", "a=2+-@100", "b=1+-@100"])
        #expect(run.driver.writtenRecords(of: "out").allSatisfy { $0.headers.map(\.name) == ["h"] })
    }

    @Test func aSideWithANewKeyIsRepartitioned() throws {
        let run = try Run(repartitioned: true) { left, right in
            left.leftJoin(right, within: Self.windows, named: "j") { (left: String, right: String?) in "\(left)+\(right ?? "-")" }
        }
        try run.pipe("r", "x", "1", 100)
        try run.pipe("l", nil, "x", 100)
        #expect(try run.read() == ["x=x+1@100"])
        #expect(run.driver.writtenTopics(includingInternal: true).contains("test-j-left-repartition"))
    }

    @Test func aSelfJoinFromOneStoreHasTheResultsOfTwo() throws {
        func results(_ optimizations: TopologyOptimizations) throws -> (results: [String], stores: Int) {
            let builder = StreamsBuilder()
            let stream: KStream<String, String> = builder.stream("in")
            stream.join(stream, within: JoinWindows(difference: .milliseconds(10), grace: .milliseconds(5), before: .milliseconds(4))) {
                (left: String, right: String) in left + right
            }.to("out")
            let driver = try TopologyTestDriver(try builder.build(optimizations: optimizations))
            let input = driver.input("in", key: .string, value: .string)
            for (value, time) in [("a", 100), ("b", 103), ("c", 103), ("d", 97), ("e", 150), ("f", 110), ("g", 145)] {
                try input.pipe("k", value, at: Timestamp(milliseconds: Int64(time)))
            }
            let records = try driver.output("out", key: .string, value: .string).readAll()
            return (
                records.map { "\($0.value)@\($0.timestamp)" },
                driver.writtenTopics(includingInternal: true).filter { $0.hasSuffix("-changelog") }.count
            )
        }
        let two = try results([])
        let one = try results([.singleStoreSelfJoin])
        #expect(one.results == two.results)
        #expect(two.stores == 2 && one.stores == 1)
    }

    @Test func aWindowThatEndsBeforeItStartsIsAnError() throws {
        for windows in [
            JoinWindows(difference: .milliseconds(-1)), JoinWindows(difference: .milliseconds(5), after: .milliseconds(-6)),
            JoinWindows(difference: .milliseconds(5), grace: .milliseconds(-1)),
        ] {
            let builder = StreamsBuilder()
            let left: KStream<String, String> = builder.stream("l")
            left.join(builder.stream("r"), within: windows) { (left: String, right: String) in left + right }.to("out")
            #expect(throws: MillraceError.self) { try builder.build() }
        }
    }
}
