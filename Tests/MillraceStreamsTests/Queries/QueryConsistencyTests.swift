import Millrace
import Testing

@testable import MillraceStreams

/// What is read was committed: every value that a query has shown is in the changelog by then, though most values that the store goes through never get there.
@Suite struct QueryConsistencyTests {
    @Test(arguments: [Materialized.Kind.persistent, .inMemory]) func showsCommittedValuesOnly(kind: Materialized.Kind) async throws {
        let disk = try AppOnDisk(topics: ["in": 1])
        let count = 60_000
        try disk.write((0..<count).map { (key: "k\($0 % 3)", value: "x", time: Timestamp(milliseconds: Int64($0))) }, to: "in")
        // Commits come only because somebody asks, or as there is nothing left to do.
        let running = try await RunningApp(disk, configure: { $0.commitInterval = .seconds(3600) }) { builder in
            builder.stream("in", key: .string, value: .string).groupByKey().aggregate(
                "0", in: Materialized("sums", kind: kind), value: .string
            ) {
                _, _, sum in String((Int(sum) ?? 0) + 1)
            }
        }
        let sums = try running.app.store(.keyValue("sums", key: String.self, value: String.self))
        var seen: Set<String> = []
        while running.app.processedRecords < count {
            let rows = try await sums.all()
            // The three rows are of one moment: the records went round.
            let values = rows.compactMap { Int($0.value) }
            if rows.count == 3, let least = values.min(), let most = values.max() { #expect(most - least <= 1) }
            seen.formUnion(rows.map { "\($0.key)=\($0.value)" })
        }
        try await running.stop()
        #expect(seen.subtracting(try disk.read("app-sums-changelog")).isEmpty)
        #expect(try disk.read("app-sums-changelog").count < count)
    }

    @Test func endsWithTheApp() async throws {
        let disk = try AppOnDisk(topics: ["in": 1])
        try disk.write([("a", "x", 0)], to: "in")
        let running = try await RunningApp(disk) { $0.table("in", key: .string, value: .string, in: "rows") }
        let rows = try running.app.store(.keyValue("rows", key: String.self, value: String.self))
        try await running.process(1)
        // Many at once, some of which meet the end: each is answered or told why not.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    do {
                        let value = try await rows["a"]
                        #expect(value == "x")
                    } catch let error as MillraceError { #expect(error.kind == .store) }
                }
            }
            group.addTask { running.app.shutDown() }
            try await group.waitForAll()
        }
        try await running.stop()
    }

    @Test func isAnsweredAfterARestartAndARestore() async throws {
        let disk = try AppOnDisk(topics: ["in": 2])
        try disk.write((0..<50).map { ("k\($0)", "v\($0)", 0) }, to: "in")
        for run in 0..<3 {
            if run == 2 { try disk.removeState() }
            let running = try await RunningApp(disk) { builder in
                builder.stream("in", key: .string, value: .string).toTable(in: "rows")
            }
            if run == 0 { try await running.process(50) }
            let rows = try running.app.store(.keyValue("rows", key: String.self, value: String.self))
            #expect(try await rows.all().count == 50)
            #expect(try await rows["k7"] == "v7")
            #expect(try await rows.approximateCount() == 50)
            if run == 0 { await running.abandon() } else { try await running.stop() }
        }
    }
}
