import Millrace

/// A topology, input for it, and what of its output does not depend on how the work is spread over tasks.
struct EngineCase: Sendable, CustomStringConvertible {
    /// What is compared with the test driver.
    enum Comparison { case lists, values, lastValues }

    let description: String
    let topics: [String]
    let comparison: Comparison
    let inputs: [Input]
    let build: @Sendable (StreamsBuilder) -> Void

    func topology() throws -> Topology {
        let builder = StreamsBuilder()
        build(builder)
        return try builder.build()
    }

    func compared(_ lists: [[UInt8]: [String]]) -> [[UInt8]: [String]] {
        func withoutTimes(_ list: [String]) -> [String] { list.map { String($0.prefix { $0 != "@" }) } }
        switch comparison {
        case .lists: return lists
        case .values: return lists.mapValues(withoutTimes)
        case .lastValues: return lists.mapValues { withoutTimes($0.suffix(1)) }
        }
    }

    /// Records of a few keys whose times grow, with steps back if there are to be late ones. One topic after the other has its turn.
    static func inputs(_ topics: [String], count: Int, step: Int64 = 3, late: Bool = false, values: (Int) -> String? = { "v\($0)" })
        -> [Input]
    {
        (0..<count).map { number in
            let time = Int64(number) * step + 1
            return Input(
                topic: topics[number % topics.count], key: ["a", "b", "c", "d", "e"][number * 7 % 11 % 5], value: values(number),
                time: late && number % 13 == 12 ? max(0, time - 100) : time)
        }
    }

    static let all: [EngineCase] = [
        EngineCase(description: "stateless", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 120)) { builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.filter { _, value in !value.hasSuffix("7") }.mapValues { $0 + "!" }.to("out")
        },
        EngineCase(description: "count", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 120)) { builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupByKey().count(in: "counts").toStream().to("out")
        },
        EngineCase(
            description: "count of other keys", topics: ["in"], comparison: .values, inputs: inputs(["in"], count: 120) { "w\($0 % 7)" }
        ) { builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupBy { _, value in value }.count(in: "counts").toStream().to("out")
        },
        EngineCase(description: "windows", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 120)) { builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupByKey().windowedBy(TimeWindows.tumbling(size: .milliseconds(40), grace: .milliseconds(10))).count(in: "counts")
                .toStream()
                .to("out", key: .timeWindowed(.string, size: .milliseconds(40)))
        },
        EngineCase(description: "sessions", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 120)) { builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupByKey().windowedBy(SessionWindows(gap: .milliseconds(12), grace: .milliseconds(20))).count(in: "counts").toStream()
                .to("out", key: .sessionWindowed(.string))
        },
        EngineCase(description: "join of streams", topics: ["l", "r"], comparison: .lists, inputs: inputs(["l", "r"], count: 120)) {
            builder in
            let left: KStream<String, String> = builder.stream("l")
            let right: KStream<String, String> = builder.stream("r")
            left.join(right, within: JoinWindows(difference: .milliseconds(30), grace: .milliseconds(10))) { "\($0)+\($1)" }.to("out")
        },
        EngineCase(
            description: "join of tables", topics: ["l", "r"], comparison: .lists,
            inputs: inputs(["l", "r"], count: 120) { $0 % 17 == 16 ? nil : "v\($0)" }
        ) { builder in
            let left: KTable<String, String> = builder.table("l", in: "left")
            let right: KTable<String, String> = builder.table("r", in: "right")
            left.outerJoin(right, in: "joined") { "\($0 ?? "-")+\($1 ?? "-")" }.toStream().to("out")
        },
        EngineCase(
            description: "asynchronous", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 120)
        ) { builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupByKey().count(in: "counts").toStream()
                .mapValuesAsync(inFlight: 8, timeout: nil) { key, count in
                    for _ in 0..<((count ?? 0) % 3) { await Task.yield() }
                    return "\(key)\(count ?? 0)"
                }
                .groupByKey().reduce(in: "sums") { $0.suffix(20) + $1 }.toStream().to("out")
        },
        EngineCase(
            description: "join by foreign key", topics: ["l", "r"], comparison: .lastValues,
            inputs: inputs(["l", "r"], count: 120) { $0 % 2 == 0 ? ["a", "b", "c"][$0 % 3] : "row\($0)" }
        ) { builder in
            let left: KTable<String, String> = builder.table("l", in: "left")
            let right: KTable<String, String> = builder.table("r", in: "right")
            left.join(right, foreignKey: { _, value in value }, in: "joined") { "\($0)+\($1)" }.toStream().to("out")
        },
    ]

    /// Cases in which what is late depends on time: on one partition only, since a task has a time of its own.
    static let timed: [EngineCase] = [
        EngineCase(description: "late for windows", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 200, late: true)) {
            builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupByKey().windowedBy(TimeWindows.tumbling(size: .milliseconds(40), grace: .milliseconds(10))).count(in: "counts")
                .toStream()
                .to("out", key: .timeWindowed(.string, size: .milliseconds(40)))
        },
        EngineCase(description: "late for sessions", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 200, late: true)) {
            builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupByKey().windowedBy(SessionWindows(gap: .milliseconds(12), grace: .milliseconds(20))).count(in: "counts").toStream()
                .to("out", key: .sessionWindowed(.string))
        },
        EngineCase(description: "closed windows", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 200, late: true)) {
            builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupByKey().windowedBy(TimeWindows.tumbling(size: .milliseconds(40), grace: .milliseconds(10)), emit: .onWindowClose)
                .count(in: "counts").toStream().to("out", key: .timeWindowed(.string, size: .milliseconds(40)))
        },
        EngineCase(description: "held back", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 200, late: true)) {
            builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.groupByKey().count(in: "counts").suppress(.untilTimeLimit(.milliseconds(50))).toStream().to("out")
        },
        EngineCase(description: "outer join", topics: ["l", "r"], comparison: .lists, inputs: inputs(["l", "r"], count: 200)) { builder in
            let left: KStream<String, String> = builder.stream("l")
            let right: KStream<String, String> = builder.stream("r")
            left.outerJoin(right, within: JoinWindows(difference: .milliseconds(4), grace: .milliseconds(10))) {
                "\($0 ?? "-")+\($1 ?? "-")"
            }
            .to("out")
        },
        EngineCase(description: "history", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 200, late: true)) { builder in
            let table: KTable<String, String> = builder.table("in", in: .versioned("rows", history: .milliseconds(60)))
            table.toStream().to("out")
        },
        EngineCase(
            description: "duplicates", topics: ["in"], comparison: .lists,
            inputs: inputs(["in"], count: 200, late: true) { "v\($0 % 6)" }
        ) { builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.deduplicate(by: { $1 }, within: .milliseconds(90), grace: .milliseconds(50), in: "seen").to("out")
        },
        EngineCase(description: "timers of keys", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 200, late: true)) {
            builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.process(bringing: [.timers("timers", key: .string)]) { try Alarms($0) }.to("out")
        },
        EngineCase(description: "timer", topics: ["in"], comparison: .lists, inputs: inputs(["in"], count: 200)) { builder in
            let lines: KStream<String, String> = builder.stream("in")
            lines.process(bringing: [.keyValue("sums", key: .string, value: Serde<Int64>.bigEndian)]) { try Ticks($0) }.to("out")
        },
    ]
}

/// Sets, moves and takes away timers of several names, and tells of those that fire.
private final class Alarms: Processor {
    let context: ProcessorContext<String, String>
    let timers: Timers<String>

    init(_ context: ProcessorContext<String, String>) throws {
        self.context = context
        timers = try context.timers("timers", by: .stream) { timer in
            try context.forward(Record(key: timer.key, value: timer.name, timestamp: timer.time))
        }
    }

    func process(_ record: Record<String, String>) throws {
        let number = record.value.utf8.last.map { Int64($0) } ?? 0
        if number % 5 == 4 {
            try timers.cancel(record.key, name: "1")
        } else {
            try timers.set(record.key, at: record.timestamp.advanced(byMilliseconds: number * 7 % 60), name: "\(number % 2)")
        }
    }
}

/// Counts records, and tells how many there were every 25 ms of stream time.
private final class Ticks: Processor {
    let context: ProcessorContext<String, String>
    let sums: KeyValueStore<String, Int64>

    init(_ context: ProcessorContext<String, String>) throws {
        self.context = context
        sums = try context.store("sums")
        try context.schedule(every: .milliseconds(25), by: .stream) { [sums] time in
            try context.forward(Record(key: "tick", value: "\(try sums.get("all") ?? 0)", timestamp: time))
        }
    }

    func process(_ record: Record<String, String>) throws {
        try sums.put("all", (try sums.get("all") ?? 0) + 1)
    }
}
