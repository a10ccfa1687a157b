import Millrace
import Testing

@testable import MillraceStreams

/// Payments of three versions of a program. The first had no version in its bytes.
private struct First: Codable, Sendable { var cents: Int }
private struct Second: Codable, Sendable, Equatable { var cents: Int, currency: String }
private struct Third: Codable, Sendable, Equatable { var amounts: [String: Int] }

private let first = Serde<First>.json(First.self)
private let second = Serde<Second>.json(Second.self).versioned(2, migratingFrom: first) { Second(cents: $0.cents, currency: "EUR") }
private let third = Serde<Third>.json(Third.self).versioned(3, migratingFrom: second) { Third(amounts: [$0.currency: $0.cents]) }

@Suite struct MigrationTests {
    @Test func readsAllThatCameBefore() throws {
        let old = try first.bytes(of: First(cents: 5))
        let middle = try second.bytes(of: Second(cents: 6, currency: "USD"))
        #expect(try second.value(of: old) == Second(cents: 5, currency: "EUR"))
        #expect(try third.value(of: old) == Third(amounts: ["EUR": 5]))
        #expect(try third.value(of: middle) == Third(amounts: ["USD": 6]))
        let new = try third.bytes(of: Third(amounts: ["GBP": 7]))
        #expect(new?.prefix(4) == [0xFF, 0x00, 0x6D, 3])
        #expect(try third.value(of: new) == Third(amounts: ["GBP": 7]))
        #expect(try third.optional.value(of: nil) == nil)
        let optional = Serde.json(Second.self).optional.versioned(1)
        #expect(try optional.bytes(of: nil) == nil)
        #expect(try optional.value(of: optional.bytes(of: Second(cents: 1, currency: "EUR"))) == Second(cents: 1, currency: "EUR"))
    }

    @Test func refusesWhatItDoesNotKnow() throws {
        let newer = try third.bytes(of: Third(amounts: [:]))
        #expect(throws: MillraceError.self) { try second.value(of: newer) }
        #expect(throws: MillraceError.self) { try Serde.json(First.self).versioned(1).value(of: first.bytes(of: First(cents: 1))) }
        #expect(throws: MillraceError.self) { try Serde.json(First.self).versioned(1).value(of: newer) }
        for length in 0..<4 { #expect(throws: (any Error).self) { try third.value(of: Array([0xFF, 0x00, 0x6D, 3].prefix(length))) } }
    }

    private func payments(_ builder: StreamsBuilder) -> KGroupedStream<String, String> {
        builder.stream("in", key: .string, value: .string).groupBy { key, _ in key }
    }

    /// An app of the first program, then one of the third over what it has left: rows on disk, in the changelog, and records that wait in a repartition topic.
    @Test(arguments: [false, true]) func goesOnWithAnotherType(losesState: Bool) async throws {
        let disk = try AppOnDisk(topics: ["in": 1, "raw": 1])
        try disk.write([("ada", "5", 0), ("bob", "7", 0), ("ada", "1", 0)], to: "in")
        var running = try await RunningApp(disk) { builder in
            payments(builder).aggregate(in: "totals", value: first) { _, value, total in
                First(cents: (total?.cents ?? 0) + (Int(value) ?? 0))
            }
            builder.stream("in", key: .string, value: .string).mapValues { First(cents: Int($0) ?? 0) }.to("raw", value: first)
        }
        try await running.process(6)
        try await running.stop()
        if losesState { try disk.removeState() }
        running = try await RunningApp(disk) { builder in
            payments(builder).aggregate(in: "totals", value: third) { _, value, total in
                var amounts = total?.amounts ?? [:]
                amounts["EUR", default: 0] += Int(value) ?? 0
                return Third(amounts: amounts)
            }
            builder.stream("in", key: .string, value: .string).mapValues { Third(amounts: ["EUR": Int($0) ?? 0]) }.to("raw", value: third)
            builder.table("raw", key: .string, value: third, in: "rows")
        }
        let totals = try running.app.store(.keyValue("totals", key: String.self, value: Third.self))
        #expect(try await totals.all().map(\.value) == [Third(amounts: ["EUR": 6]), Third(amounts: ["EUR": 7])])
        // Old and new rows side by side.
        try disk.write([("ada", "10", 0)], to: "in")
        while try await totals["ada"] != Third(amounts: ["EUR": 16]) { await Task.yield() }
        #expect(try await totals["bob"] == Third(amounts: ["EUR": 7]))
        let rows = try running.app.store(.keyValue("rows", key: String.self, value: Third.self))
        while try await rows["ada"] != Third(amounts: ["EUR": 10]) { await Task.yield() }
        #expect(try await rows["bob"] == Third(amounts: ["EUR": 7]))
        try await running.stop()
        try disk.removeState()
        running = try await RunningApp(disk) { builder in
            payments(builder).aggregate(in: "totals", value: third) { _, _, total in total }
        }
        #expect(
            try await running.app.store(.keyValue("totals", key: String.self, value: Third.self)).all().map(\.value)
                == [Third(amounts: ["EUR": 16]), Third(amounts: ["EUR": 7])])
        try await running.stop()
    }
}
