import Millrace
import Synchronization
import Testing

/// Hopping windows that share what they have in common.
@Suite struct PaneTests {
    /// Counts calls of an aggregator.
    private final class Calls: Sendable {
        let count = Mutex(0)
        func add() { count.withLock { $0 += 1 } }
    }

    /// Records of five keys with times that go forward and, by less and more than the grace period, back; the last closes all windows.
    private static let records: [(key: String, value: String?, time: Timestamp)] = {
        var numbers = SeededNumbers(seed: 7)
        let times = (0..<400).map { Int64($0 * 20) + Int64.random(in: -900...900, using: &numbers) }
        return times.map { ("k\($0.magnitude % 5)", "v\($0)", Timestamp(milliseconds: max(0, $0))) } + [("end", "v", 100_000)]
    }()

    /// - Parameter size: A multiple of the advance or not.
    private func run(size: Int64, merges: Bool, _ calls: Calls) async throws -> (results: [String], changelog: [String: String]) {
        let app = try AppOnDisk(topics: ["in": 1, "out": 1])
        try app.write(Self.records, to: "in")
        try await app.run { builder in
            let windows = builder.stream("in", key: .string, value: .string).groupByKey()
                .windowedBy(
                    .hopping(size: .milliseconds(size), advance: .milliseconds(100), grace: .milliseconds(300)), emit: .onWindowClose)
            let store = Materialized("sums", retention: .seconds(5))
            let sums: KTable<Windowed<String>, String> =
                merges
                ? windows.aggregate("", in: store, merging: { $1 + $2 }) { _, value, sum in
                    calls.add()
                    return sum + value
                }
                : windows.aggregate("", in: store) { _, value, sum -> String? in
                    calls.add()
                    return sum + value
                }
            sums.toStream().map { ("\($0)", $1.map { String($0.sorted()) }) }.to("out")
        }
        let changelog = try app.read("app-sums-changelog").map { row in
            let parts = row.split(separator: "=", maxSplits: 1)
            return (String(parts[0]), String(parts[1].sorted()))
        }
        return (try app.read("out"), Dictionary(changelog) { $1 })
    }

    @Test(arguments: [Int64(1000), 1050]) func theirResultsAreThoseOfWindowsOnTheirOwn(size: Int64) async throws {
        let (shared, alone) = (Calls(), Calls())
        let panes = try await run(size: size, merges: true, shared)
        let windows = try await run(size: size, merges: false, alone)
        #expect(panes.results.count > 300)
        #expect(panes.results == windows.results)
        #expect(panes.changelog == windows.changelog)
        #expect(shared.count.withLock { $0 } * 5 < alone.count.withLock { $0 })
    }
}
