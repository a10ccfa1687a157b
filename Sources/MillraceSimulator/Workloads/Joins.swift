import MillraceCore
import MillraceStreams

extension Workload {
    private static func either(_ number: Int, _ random: inout SeededNumbers, _ topics: [String], nullOneIn: Int = 0) -> InputDraft {
        InputDraft(
            topics[random.below(topics.count)], keys[random.below(keys.count)],
            nullOneIn > 0 && random.oneIn(nullOneIn) ? nil : "\(number)")
    }

    /// A left join of two streams: those that stay alone are told when their window closes.
    static let joinOfStreams = Workload(
        name: "join-of-streams", inputTopics: ["left", "right"], outputs: ["out": .lists], joinRetention: 20 + 20 + 15,
        input: { number, random in either(number, &random, ["left", "right"]) },
        build: { builder, mood in
            let left: KStream<String, String> = builder.stream("left")
            let right: KStream<String, String> = builder.stream("right")
            left.leftJoin(right, within: JoinWindows(difference: .milliseconds(20), grace: .milliseconds(15))) { left, right in
                try mood.check()
                return "\(left)+\(right ?? "-")"
            }
            .to("out")
        })

    /// A stream joined with a table.
    static let enrichment = Workload(
        name: "enrichment", inputTopics: ["events", "rows"], outputs: ["out": .lists],
        input: { number, random in
            let topic = random.oneIn(3) ? "rows" : "events"
            return InputDraft(
                topic, keys[random.below(keys.count)], topic == "rows" && random.oneIn(6) ? nil : "\(number)")
        },
        build: { builder, mood in
            let events: KStream<String, String> = builder.stream("events")
            let rows: KTable<String, String> = builder.table("rows", in: "rows")
            events.leftJoin(rows) { event, row in
                try mood.check()
                return "\(event)+\(row ?? "-")"
            }
            .to("out")
        })

    /// An outer join of two tables.
    static let joinOfTables = Workload(
        name: "join-of-tables", inputTopics: ["left", "right"], outputs: ["out": .lists],
        input: { number, random in either(number, &random, ["left", "right"], nullOneIn: 8) },
        build: { builder, _ in
            let left: KTable<String, String> = builder.table("left", in: "left")
            let right: KTable<String, String> = builder.table("right", in: "right")
            left.outerJoin(right, in: "joined") { "\($0 ?? "-")+\($1 ?? "-")" }.toStream().to("out")
        })

    /// A table joined with another by a key in its values, with a model of its own: what each row ends with.
    ///
    /// Rows of the right table are not deleted. As in Kafka Streams, a left row that changes at the same moment, and not in its foreign key, can keep its last result then.
    static let foreignKeys = Workload(
        name: "foreign-keys", inputTopics: ["left", "right"], outputs: ["out": .lastValues],
        input: { number, random in
            random.oneIn(2)
                ? InputDraft("left", "l\(random.below(12))", random.oneIn(7) ? nil : "\(keys[random.below(5)])/\(number)")
                : InputDraft("right", keys[random.below(5)], "\(number)")
        },
        build: { builder, _ in
            let left: KTable<String, String> = builder.table("left", in: "left")
            let right: KTable<String, String> = builder.table("right", in: "right")
            left.join(right, foreignKey: { _, value in String(value.prefix(2)) }, in: "joined") { "\($0)+\($1)" }.toStream().to("out")
        },
        model: { inputs in
            var rows: [String: [[UInt8]: String]] = [:]
            for input in inputs { rows[input.topic, default: [:]][input.key] = input.value.map(text) }
            var expected: Lists = [:]
            for (key, left) in rows["left"] ?? [:] {
                if let right = rows["right"]?[Array(left.utf8.prefix(2))] { expected[key] = ["\(left)+\(right)@"] }
            }
            return ["out": expected]
        })
}
