import MillraceCore
import MillraceFormats
import MillraceStreams
import MillraceTestKit

/// A record that is put into a topic.
struct SimulatedInput: Sendable {
    var topic: String
    var partition: Partition
    var key: [UInt8]
    var value: [UInt8]?
    var time: Int64
}

/// A topology, input for it from a seed, and what it must make of it.
struct Workload: Sendable {
    /// What of an output topic is compared.
    enum Comparison: Sendable {
        /// For each key all values with their times, in order.
        case lists
        /// For each key all values, in order, where times depend on which partition was faster.
        case values
        /// For each key the last value, unless it is null, where how often it changed depends on which partition was faster.
        case lastValues
    }

    var name: String
    var inputTopics: [String]
    var outputs: [String: Comparison]
    var failures = FailurePolicies()
    /// For how long the app must be kept running behind its last input, for timers of the time of day.
    var rest = Duration.zero
    /// How long the stores of a join of streams keep records.
    var joinRetention: Int64?
    /// How long its session store keeps sessions, in milliseconds; `nil` without one.
    var sessionRetention: Int64?
    /// Values by the number of the input.
    var input: @Sendable (_ number: Int, _ random: inout SeededNumbers) -> InputDraft
    var build: @Sendable (StreamsBuilder, Mood) -> Void
    /// What the outputs must hold, by a model of its own; the test driver tells where there is none.
    var model: (@Sendable ([SimulatedInput]) -> [String: Lists])?

    /// What a workload says of an input.
    struct InputDraft {
        var topic: String
        var key: String
        var value: [UInt8]?
        /// How much earlier than the records before it.
        var late: Int64 = 0

        init(_ topic: String, _ key: String, _ value: String?, late: Int64 = 0) {
            (self.topic, self.key, self.value, self.late) = (topic, key, value.map { Array($0.utf8) }, late)
        }
    }

    /// For each key of a topic what was written, in order.
    typealias Lists = [[UInt8]: [String]]

    static let startOfTime: Int64 = 1_700_000_000_000

    func topology(_ mood: Mood = .good) throws -> Topology {
        let builder = StreamsBuilder()
        build(builder, mood)
        return try builder.build()
    }

    /// Input whose times grow, except for those that are late.
    func inputs(_ random: inout SeededNumbers, count: Int, partitions: Int32) -> [SimulatedInput] {
        var time = Workload.startOfTime
        return (0..<count).map { number in
            time += Int64(1 + random.below(5))
            let draft = input(number, &random)
            let key = Array(draft.key.utf8)
            return SimulatedInput(
                topic: draft.topic, partition: key.withUnsafeBytes { Murmur2.partition(forKey: $0, count: partitions) }, key: key,
                value: draft.value, time: time - draft.late)
        }
    }

    /// What the outputs must hold.
    func expected(_ inputs: [SimulatedInput]) throws -> [String: Lists] {
        if let model { return model(inputs) }
        var expected: [String: Lists] = [:]
        // A task for each partition has a time of its own.
        for (_, part) in Dictionary(grouping: inputs, by: \.partition) {
            let driver = try TopologyTestDriver(try topology(), applicationID: SimulatedApp.id)
            for input in part {
                try driver.input(input.topic, key: Serde.bytes, value: Serde.bytes.optional).pipe(
                    input.key, input.value, at: Timestamp(milliseconds: input.time))
            }
            for topic in outputs.keys {
                expected[topic, default: [:]].merge(Workload.lists(driver.writtenRecords(of: topic))) { $0 + $1 }
            }
        }
        return expected
    }

    static func lists(_ records: [WrittenRecord]) -> Lists {
        Dictionary(grouping: records) { $0.key ?? [] }.mapValues { $0.map { "\($0.value.map(text) ?? "nil")@\($0.timestamp)" } }
    }

    /// Readable for text, numbers otherwise.
    static func text(_ bytes: [UInt8]) -> String {
        bytes.allSatisfy { (32..<127).contains($0) } ? String(decoding: bytes, as: UTF8.self) : "\(bytes)"
    }
}

extension Workload.Comparison {
    func compared(_ lists: Workload.Lists) -> Workload.Lists {
        func withoutTimes(_ list: [String]) -> [String] { list.map { String($0.prefix { $0 != "@" }) } }
        switch self {
        case .lists: return lists
        case .values: return lists.mapValues(withoutTimes)
        case .lastValues: return lists.mapValues { withoutTimes($0.suffix(1)) }.filter { $0.value != ["nil"] }
        }
    }
}
