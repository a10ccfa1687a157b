import MillraceCore
import MillraceStreams

extension Workload {
    /// Words counted across partitions, with a model of its own: the counts of a word are 1, 2, 3 and so on, whoever was faster.
    static let words = Workload(
        name: "words", inputTopics: ["in"], outputs: ["out": .values],
        input: { _, random in
            InputDraft("in", keys[random.below(keys.count)], "w\(random.below(9)) w\(random.below(5))")
        },
        build: { builder, mood in
            let lines: KStream<String, String> = builder.stream("in")
            lines.flatMapValues { line in
                try mood.check()
                return line.split(separator: " ").map(String.init)
            }
            .groupBy { _, word in word }.count(in: "counts").toStream().mapValues { "\($0 ?? 0)" }.to("out")
        },
        model: { inputs in
            var counts: [[UInt8]: Int] = [:]
            for input in inputs {
                for word in (input.value ?? []).split(separator: UInt8(ascii: " ")) { counts[Array(word), default: 0] += 1 }
            }
            return ["out": counts.mapValues { (1...$0).map { "\($0)@" } }]
        })

    /// Sums of windows that are told when they close, with records that are late and some that are too late.
    static let windows = Workload(
        name: "windows", inputTopics: ["in"], outputs: ["out": .lists, "held": .lists],
        input: { number, random in
            InputDraft("in", keys[random.below(keys.count)], "\(number)", late: random.oneIn(11) ? Int64(random.below(150)) : 0)
        },
        build: { builder, mood in
            let numbers: KStream<String, String> = builder.stream("in")
            let checked = numbers.mapValues { value in
                try mood.check()
                return value
            }.groupByKey()
            let windows = TimeWindows.tumbling(size: .milliseconds(60), grace: .milliseconds(30))
            checked.windowedBy(windows, emit: .onWindowClose).reduce(in: "closing") { "\($0),\($1)" }.toStream()
                .to("out", key: .timeWindowed(.string, size: .milliseconds(60)))
            checked.windowedBy(windows).reduce(in: "updating") { "\($0),\($1)" }.suppress(.untilWindowCloses()).toStream()
                .to("held", key: .timeWindowed(.string, size: .milliseconds(60)))
        })

    /// Sessions, told at every change.
    static let sessions = Workload(
        name: "sessions", inputTopics: ["in"], outputs: ["out": .lists], sessionRetention: 25 + 60,
        input: { number, random in
            InputDraft("in", keys[random.below(keys.count)], "\(number)", late: random.oneIn(13) ? Int64(random.below(120)) : 0)
        },
        build: { builder, mood in
            let numbers: KStream<String, String> = builder.stream("in")
            numbers.mapValues { value in
                try mood.check()
                return value
            }
            .groupByKey().windowedBy(SessionWindows(gap: .milliseconds(25), grace: .milliseconds(60))).count(in: "sessions").toStream()
            .to("out", key: .sessionWindowed(.string))
        })

    /// A table that keeps its history.
    static let history = Workload(
        name: "history", inputTopics: ["in"], outputs: ["out": .lists],
        input: { number, random in
            InputDraft(
                "in", keys[random.below(keys.count)], random.oneIn(9) ? nil : "\(number)",
                late: random.oneIn(7) ? Int64(random.below(150)) : 0)
        },
        build: { builder, _ in
            let rows: KTable<String, String> = builder.table("in", in: .versioned("rows", history: .milliseconds(100)))
            rows.toStream().to("out")
        })
}
