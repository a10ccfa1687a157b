import Millrace
import MillraceTestKit
import Testing

/// A closure that throws for a row of a table, where failed records are left out: the row's later updates come through, and groups hold what the good rows add up to.
@Suite struct RefusedRowTests {
    private struct Refused: Error {}

    /// A row: "group number", with "x" for the number of one that closures refuse.
    private static let number: @Sendable (String) throws -> Int = { value in
        guard let number = Int(value.drop { $0 != " " }.dropFirst()) else { throw Refused() }
        return number
    }

    private static func group(_ value: String) -> String { String(value.prefix { $0 != " " }) }

    /// Sums up numbers by group, refusing nothing.
    private static func sum(_ table: KTable<String, String>) -> KTable<String, String> {
        sum(table.groupBy { _, value in (group(value), String(value.drop { $0 != " " }.dropFirst())) })
    }

    private static func sum(_ groups: KGroupedTable<String, String>) -> KTable<String, String> {
        groups.aggregate(
            "0", in: "sums", adding: { "\((Int($2) ?? 0) + (Int($1) ?? 1000))" }, subtracting: { "\((Int($2) ?? 0) - (Int($1) ?? 1000))" })
    }

    /// The same with a selector that refuses rows.
    private static func selecting(_ table: KTable<String, String>) -> KTable<String, String> {
        sum(table.groupBy { _, value in (group(value), "\(try number(value))") })
    }

    /// Where a closure stands that refuses rows.
    struct Place: Sendable, CustomStringConvertible {
        let description: String
        /// Whether the refused record is one of the repartition topic.
        var isBehindRepartition = false
        let build: @Sendable (KTable<String, String>, KTable<String, String>) -> KTable<String, String>
    }

    static let places: [Place] = [
        Place(description: "selector") { table, _ in selecting(table) },
        Place(description: "adder and subtractor", isBehindRepartition: true) { table, _ in
            table.groupBy { _, value in (group(value), value) }.aggregate(
                "0", in: "sums", adding: { "\((Int($2) ?? 0) + (try number($1)))" }, subtracting: { "\((Int($2) ?? 0) - (try number($1)))" }
            )
        },
        Place(description: "adder", isBehindRepartition: true) { table, _ in
            table.groupBy { _, value in (group(value), value) }.aggregate(
                "0", in: "sums", adding: { "\((Int($2) ?? 0) + (try number($1)))" },
                subtracting: { "\((Int($2) ?? 0) - ((try? number($1)) ?? 1000))" })
        },
        Place(description: "mapValues") { table, _ in sum(table.mapValues { "\(group($0)) \(try number($0))" }) },
        Place(description: "mapValues with a store") { table, _ in sum(table.mapValues(in: "mapped") { "\(group($0)) \(try number($0))" })
        },
        Place(description: "filter") { table, _ in sum(table.filter { try number($1) >= 0 }) },
        Place(description: "transformValues") { table, _ in
            sum(table.transformValues { (_: ProcessorContext<Never, Never>) in Checking() })
        },
        Place(description: "join") { table, other in sum(table.join(other) { left, _ in "\(group(left)) \(try number(left))" }) },
        Place(description: "outer join") { table, other in
            sum(other.outerJoin(table) { _, value in value == nil ? "none 0" : "\(group(value ?? "")) \(try number(value ?? ""))" })
        },
    ]

    private final class Checking: TableTransformer {
        func transform(_ row: FixedKeyRecord<String, String?>) throws -> String? { try row.value.map { "\(group($0)) \(try number($0))" } }
    }

    private func run(_ inputs: [(String, String?)], _ policy: FailurePolicy, _ build: (StreamsBuilder) -> Void) async throws -> (
        run: EngineRun, app: StreamsApp
    ) {
        let builder = StreamsBuilder()
        build(builder)
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "other": 1, "out": 1, "more": 1, "dead": 1])
        run.memory = MemoryByteStore()
        run.configuration.failures = FailurePolicies(processing: policy)
        try run.put(["k", "l", "m", "n"].map { Input(topic: "other", key: $0, value: "there", time: 0) })
        try run.put(inputs.enumerated().map { Input(topic: "in", key: $1.0, value: $1.1, time: Int64($0) + 1) })
        return (run, try await run.runUntilIdle())
    }

    private func last(_ run: EngineRun, of topic: String = "out") throws -> [String: String] {
        var last: [String: String] = [:]
        for record in try run.records(of: topic) { last[EngineRun.text(record.key ?? [])] = record.value.map(EngineRun.text) }
        return last
    }

    private static let inputs: [(String, String?)] = [
        ("k", "a 1"), ("l", "a 10"), ("k", "a x"), ("k", "b 2"), ("k", "a 4"), ("l", "b x"), ("l", "c x"), ("l", "c 100"), ("m", "a x"),
        ("m", nil), ("n", "b x"),
    ]

    @Test(arguments: places, [FailurePolicy.skip, .deadLetter(topic: "dead")])
    func laterUpdatesOfTheRowCount(_ place: Place, _ policy: FailurePolicy) async throws {
        let (run, app) = try await run(Self.inputs, policy) {
            place.build($0.table("in", key: .string, value: .string), $0.table("other", key: .string, value: .string)).send()
        }
        // k is in a, l in c, and no group has anything of what was refused.
        let sums = try last(run)
        #expect(sums["a"] == "4" && sums["b"] ?? "0" == "0" && sums["c"] == "100")
        #expect(app.droppedRecords == [.processing: 5])
        let letters = try run.records(of: "dead").map { EngineRun.text($0.value ?? []) }
        if policy == .skip || place.isBehindRepartition {
            #expect(letters.count == (policy == .skip ? 0 : 5))
        } else {
            #expect(letters == ["a x", "b x", "c x", "a x", "b x"])
        }
    }

    /// A refused update takes the row out of its group at once: the table no longer has what was counted.
    @Test func aRefusedUpdateTakesTheFormerValueOut() async throws {
        let (run, _) = try await run([("k", "a 1"), ("l", "a 10"), ("k", "a x")], .skip) {
            Self.selecting($0.table("in", key: .string, value: .string)).send()
        }
        #expect(try last(run) == ["a": "10"])
    }

    /// A value that came in and that the subtractor refuses stays in the result, as the failure says; what comes after it is counted once.
    @Test func aSubtractorThatRefuses() async throws {
        let (run, app) = try await run([("k", "a 1"), ("k", "a 7"), ("k", "a 2"), ("k", "a 3")], .deadLetter(topic: "dead")) {
            ($0.table("in", key: .string, value: .string) as KTable<String, String>)
                .groupBy { _, value in (Self.group(value), value) }
                .aggregate(
                    "0", in: "sums", adding: { "\((Int($2) ?? 0) + (try Self.number($1)))" },
                    subtracting: { _, value, sum in
                        if value == "a 7" { throw Refused() }
                        return "\((Int(sum) ?? 0) - (try Self.number(value)))"
                    }
                ).send()
        }
        #expect(try run.lists(of: "out").values.first == ["1@1", "7@2", "9@3", "10@4"])
        #expect(app.droppedRecords == [.processing: 1])
        #expect(try run.records(of: "dead").count == 1)
    }

    /// A reduction whose closures refuse the same values.
    @Test func reductions() async throws {
        let (run, _) = try await run([("z", "a 0")] + Self.inputs, .skip) {
            ($0.table("in", key: .string, value: .string) as KTable<String, String>)
                .groupBy { _, value in ("all", value) }
                .reduce(
                    in: "sums", adding: { "a \(try Self.number($0) + Self.number($1))" },
                    subtracting: { "a \(try Self.number($0) - Self.number($1))" }
                ).send()
        }
        #expect(try last(run) == ["all": "a 104"])
    }

    /// Operators behind the same table do not miss the update that one of them refuses.
    @Test(arguments: [false, true]) func operatorsBesideIt(isFirst: Bool) async throws {
        let (run, app) = try await run(Self.inputs, .skip) {
            let table: KTable<String, String> = $0.table("in", key: .string, value: .string)
            let count = { table.groupBy { _, value in (Self.group(value), value) }.count().mapValues { "\($0)" }.toStream().to("more") }
            if !isFirst { count() }
            Self.selecting(table).send()
            if isFirst { count() }
        }
        #expect(try last(run, of: "more") == ["a": "1", "b": "1", "c": "1"])
        #expect(try last(run) == ["a": "4", "b": "0", "c": "100"])
        #expect(app.droppedRecords == [.processing: 5])
    }

    /// A row that is refused where another table's update looks it up is one that is not there.
    @Test func lookedUpRows() async throws {
        let (run, app) = try await run([("k", "a 1"), ("k", "a x")], .skip) {
            let rows: KTable<String, String> = $0.table("in", key: .string, value: .string)
            let others: KTable<String, String> = $0.table("other", key: .string, value: .string)
            Self.sum(others.leftJoin(rows.mapValues { "\(try Self.number($0))" }) { other, row in "\(other) \(row ?? "100")" }).send()
        }
        #expect(try last(run)["there"] == "400")
        try run.put([Input(topic: "other", key: "k", value: "moved", time: 10)])
        #expect(try await run.runUntilIdle().droppedRecords == [:])
        #expect(try last(run) == ["there": "300", "moved": "100"])
        try run.put([Input(topic: "in", key: "k", value: "a 7", time: 11)])
        try await run.runUntilIdle()
        #expect(try last(run) == ["there": "300", "moved": "7"])
        #expect(app.droppedRecords == [.processing: 1])
    }

    /// The row points at a row of the other table again once its foreign key can be told, and its result is gone meanwhile.
    @Test(arguments: [false, true]) func foreignKeys(isLeft: Bool) async throws {
        func run(_ inputs: [(String, String?)]) async throws -> [String: String] {
            let builder = StreamsBuilder()
            let left: KTable<String, String> = builder.table("in", key: .string, value: .string)
            let right: KTable<String, String> = builder.table("other", key: .string, value: .string)
            let key: @Sendable (String, String) throws -> String? = { _, value in
                _ = try Self.number(value)
                return Self.group(value)
            }
            if isLeft {
                left.leftJoin(right, foreignKey: key) { $0 + ($1 ?? "-") }.send()
            } else {
                left.join(right, foreignKey: key) { $0 + $1 }.send()
            }
            let run = try EngineRun(try builder.build(), topics: ["in": 1, "other": 1, "out": 1])
            run.memory = MemoryByteStore()
            run.configuration.failures = FailurePolicies(processing: .skip)
            for (number, input) in inputs.enumerated() {
                let other = input.0.hasPrefix("-")
                try run.put([
                    Input(
                        topic: other ? "other" : "in", key: other ? String(input.0.dropFirst()) : input.0, value: input.1,
                        time: Int64(number))
                ])
                try await run.runUntilIdle()
            }
            return try last(run)
        }
        let start: [(String, String?)] = [("-a", "A"), ("-b", "B"), ("k", "a 1"), ("k", "a x")]
        #expect(try await run(start + [("k", "b 2")]) == ["k": "b 2B"])
        #expect(try await run(start + [("-a", "AA"), ("k", "b 2"), ("k", "a 3")]) == ["k": "a 3AA"])
        #expect(try await run(start + [("k", nil)]) == [:])
        if !isLeft { #expect(try await run(start) == [:]) }
    }

    /// Under the policy to stop nothing is left out, a former value neither.
    @Test func stopStops() async throws {
        let builder = StreamsBuilder()
        Self.selecting(builder.table("in", key: .string, value: .string)).send()
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "out": 1])
        run.memory = MemoryByteStore()
        run.configuration.failures = FailurePolicies(processing: .skip)
        try run.put([Input(topic: "in", key: "k", value: "a x", time: 0)])
        try await run.runUntilIdle()
        run.configuration.failures = FailurePolicies()
        try run.put([Input(topic: "in", key: "k", value: "a 1", time: 1)])
        let error = await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        #expect(error?.kind == .processing && error?.record?.offset == 1)
    }
}
