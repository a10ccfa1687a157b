import MillraceCore
import MillraceStreams

extension Workload {
    /// A processor with a store and a timer that follows the records.
    static let timers = Workload(
        name: "timers", inputTopics: ["in"], outputs: ["out": .lists],
        input: { number, random in InputDraft("in", keys[random.below(keys.count)], "\(number)") },
        build: { builder, mood in
            let numbers: KStream<String, String> = builder.stream("in")
            numbers.process(bringing: [.keyValue("sums", key: .string, value: Serde<Int64>.bigEndian)]) { try Ticker($0, mood) }.to("out")
        })

    /// A processor that keeps records and sends them on by the time of day, with a model of its own: each comes out once, in the order of its key.
    static let outbox = Workload(
        name: "outbox", inputTopics: ["in"], outputs: ["out": .values], rest: .seconds(5),
        input: { number, random in InputDraft("in", keys[random.below(keys.count)], "\(number)") },
        build: { builder, mood in
            let numbers: KStream<String, String> = builder.stream("in")
            numbers.process(bringing: [.keyValue("waiting", key: .string, value: .string)]) { try Outbox($0, mood) }.to("out")
        },
        model: { inputs in
            var expected: Lists = [:]
            for input in inputs { expected[input.key, default: []].append("\(text(input.value ?? []))@") }
            return ["out": expected]
        })
}

/// Counts the records of each key, and tells how many there were every 25 ms of stream time.
private final class Ticker: Processor {
    let context: ProcessorContext<String, String>
    let sums: KeyValueStore<String, Int64>
    let mood: Mood

    init(_ context: ProcessorContext<String, String>, _ mood: Mood) throws {
        self.context = context
        self.mood = mood
        sums = try context.store("sums")
        try context.schedule(every: .milliseconds(25), by: .stream) { [sums] time in
            var found: [(String, Int64)] = []
            try sums.forEach { key, count in
                found.append((key, count))
                return true
            }
            for (key, count) in found { try context.forward(Record(key: key, value: "\(count)", timestamp: time)) }
        }
    }

    func process(_ record: Record<String, String>) throws {
        try mood.check()
        try sums.put(record.key, (try sums.get(record.key) ?? 0) + 1)
    }
}

/// Keeps records until the next of its timers.
private final class Outbox: Processor {
    let context: ProcessorContext<String, String>
    let waiting: KeyValueStore<String, String>
    let mood: Mood

    init(_ context: ProcessorContext<String, String>, _ mood: Mood) throws {
        self.context = context
        self.mood = mood
        waiting = try context.store("waiting")
        try context.schedule(every: .milliseconds(50), by: .wallClock) { [waiting] time in
            var found: [(String, String)] = []
            try waiting.forEach { key, value in
                found.append((key, value))
                return true
            }
            for (key, values) in found {
                for value in values.split(separator: ",") {
                    try context.forward(Record(key: key, value: String(value), timestamp: time))
                }
                try waiting.delete(key)
            }
        }
    }

    func process(_ record: Record<String, String>) throws {
        try mood.check()
        try waiting.put(record.key, (try waiting.get(record.key)).map { "\($0),\(record.value)" } ?? record.value)
    }
}
