import MillraceCore
import MillraceStreams

extension Workload {
    /// Records divided over two topics, some twice, with a model of its own.
    static let routing = Workload(
        name: "routing", inputTopics: ["in"], outputs: ["even": .lists, "odd": .lists],
        input: { number, random in InputDraft("in", keys[random.below(keys.count)], "\(number)") },
        build: { builder, mood in
            let numbers: KStream<String, String> = builder.stream("in")
            let checked = numbers.mapValues { value in
                try mood.check()
                return value
            }
            let parts = checked.filter { _, value in !value.hasSuffix("7") }.split()
            parts.branch { _, value in (value.utf8.last ?? 0) % 2 == 0 }.to("even")
            parts.defaultBranch().flatMapValues { ["\($0)a", "\($0)b"] }.to("odd")
        },
        model: { inputs in
            var expected: [String: Lists] = ["even": [:], "odd": [:]]
            for input in inputs {
                let value = text(input.value ?? [])
                guard let last = value.last?.wholeNumberValue, last != 7 else { continue }
                if last % 2 == 0 {
                    expected["even", default: [:]][input.key, default: []].append("\(value)@\(input.time)")
                } else {
                    expected["odd", default: [:]][input.key, default: []] += ["\(value)a@\(input.time)", "\(value)b@\(input.time)"]
                }
            }
            return expected
        })

    /// Records that cannot be read, or that a closure throws for each time, go to topics for them; the others are not touched.
    static let unreadable = Workload(
        name: "unreadable", inputTopics: ["in"], outputs: ["out": .lists, "letters": .lists],
        failures: FailurePolicies(deserialization: .deadLetter(topic: "letters"), processing: .deadLetter(topic: "letters")),
        input: { number, random in
            var draft = InputDraft("in", keys[random.below(keys.count)], "\(number)")
            if random.oneIn(9) { draft.value = [0xFF, UInt8(truncatingIfNeeded: number)] }
            return draft
        },
        build: { builder, _ in
            let numbers: KStream<String, String> = builder.stream("in")
            numbers.mapValues { value in
                if value.hasSuffix("3") { throw Mood.Spoilt() }
                return value + "!"
            }.to("out")
        },
        model: { inputs in
            var expected: [String: Lists] = ["out": [:], "letters": [:]]
            for input in inputs {
                let value = input.value ?? []
                let isGood = value.first != 0xFF && value.last != UInt8(ascii: "3")
                let written = isGood ? text(value) + "!" : text(value)
                expected[isGood ? "out" : "letters", default: [:]][input.key, default: []].append("\(written)@\(input.time)")
            }
            return expected
        })
}
