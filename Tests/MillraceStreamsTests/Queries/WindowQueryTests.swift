import Millrace
import Testing

@testable import MillraceStreams

@Suite struct WindowQueryTests {
    private static let records: [(key: String, value: String?, time: Timestamp)] = [
        ("ada", "x", 0), ("ada", "x", 5), ("bob", "x", 12), ("ada", "x", 25), ("eve", "x", 130_000), ("ad", "x", 130_000),
        ("ada", "x", 130_011),
    ]

    @Test(arguments: [Materialized.Kind.persistent, .inMemory]) func fetchesWindows(kind: Materialized.Kind) async throws {
        let disk = try AppOnDisk(topics: ["in": 1])
        try disk.write(Self.records, to: "in")
        let running = try await RunningApp(disk) { builder in
            builder.stream("in", key: .string, value: .string).groupByKey().windowedBy(.tumbling(size: .milliseconds(10)))
                .count(in: Materialized("counts", kind: kind, retention: .seconds(3600)))
        }
        try await running.process(Self.records.count)
        let counts = try running.app.store(.window("counts", key: String.self, value: Int64.self))
        #expect(try await counts.fetch("ada", at: 0) == 2)
        #expect(try await counts.fetch("ada", at: 10) == nil)
        #expect(try await counts.fetch("ada").map { "\($0.key)=\($0.value)" } == ["ada@0-10=2", "ada@20-30=1", "ada@130010-130020=1"])
        #expect(try await counts.fetch("ada", in: 0...20, reversed: true).map(\.key.window.start) == [20, 0])
        #expect(try await counts.fetch("ada", in: 1...130_010, limit: 1).map(\.key.window.start) == [20])
        let all = ["ada@0-10", "ada@20-30", "bob@10-20", "ad@130000-130010", "ada@130010-130020", "eve@130000-130010"]
        #expect(try await Set(counts.fetchAll().map { "\($0.key)" }) == Set(all))
        #expect(try await counts.fetchAll(in: 10...20).map { "\($0.key)" } == ["ada@20-30", "bob@10-20"])
        #expect(try await counts.fetchAll(in: 10...20, reversed: true).map { "\($0.key)" } == ["bob@10-20", "ada@20-30"])
        #expect(try await Set(counts.fetchAll(from: "ada", to: "bob").map(\.key.key)) == ["ada", "bob"])
        #expect(try await counts.fetchAll(from: "ae").count == 2)
        #expect(try await counts.approximateCount() == 6)
        var walked: [String] = []
        for try await row in try counts.rows() { walked.append("\(row.key)") }
        #expect(try await walked == counts.fetchAll().map { "\($0.key)" })
        try await running.stop()
    }

    @Test func mergesPartitionsInTheOrderOfOne() async throws {
        var orders: [[String]] = []
        for partitions in [Int32(1), 3] {
            let disk = try AppOnDisk(topics: ["in": partitions])
            // Stream time is the same in all partitions from the first record on, so that all keep the same windows.
            let records = (0..<200).map { (key: "k\($0 % 17)", value: String?("x"), time: Timestamp(milliseconds: Int64($0) * 1000)) }
            try disk.write(records, to: "in")
            let running = try await RunningApp(disk) { builder in
                builder.stream("in", key: .string, value: .string).groupByKey().windowedBy(.tumbling(size: .seconds(10)))
                    .count(in: .persistent("counts", retention: .seconds(3600)))
            }
            try await running.process(records.count)
            let counts = try running.app.store(.window("counts", key: String.self, value: Int64.self))
            orders.append(try await counts.fetchAll().map { "\($0.key)=\($0.value)" })
            try await running.stop()
        }
        #expect(orders[0].count == 200)
        #expect(orders[0] == orders[1])
    }

    @Test(arguments: [Materialized.Kind.persistent, .inMemory]) func fetchesSessions(kind: Materialized.Kind) async throws {
        let disk = try AppOnDisk(topics: ["in": 2])
        try disk.write(Self.records, to: "in")
        let running = try await RunningApp(disk) { builder in
            builder.stream("in", key: .string, value: .string).groupByKey().windowedBy(SessionWindows(gap: .milliseconds(10)))
                .count(in: Materialized("visits", kind: kind, retention: .seconds(3600)))
        }
        try await running.process(Self.records.count)
        let visits = try running.app.store(.session("visits", key: String.self, value: Int64.self))
        #expect(try await visits.fetch("ada", Window(start: 0, end: 5)) == 2)
        #expect(try await visits.fetch("ada").map { "\($0.session)=\($0.value)" } == ["0-5=2", "25-25=1", "130011-130011=1"])
        #expect(try await visits.findSessions("ada", endingFrom: 6, startingUntil: 25).map(\.value) == [1])
        #expect(try await visits.findSessions("ada", reversed: true).map(\.session.end) == [130_011, 25, 5])
        #expect(try await visits.fetchAll(endingIn: 5...100).map { "\($0.key)" } == ["ada@0-5", "ada@25-25", "bob@12-12"])
        try await running.stop()
    }
}
