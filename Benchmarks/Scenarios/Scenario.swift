import Millrace

/// What is measured. Each is what a user would write, with nothing tuned.
public enum Scenario: String, CaseIterable, Sendable {
    case passthrough, wordcount
    case wordcountKeyed = "wordcount-keyed"
    case windowed, fraud, session
    case streamTable = "stream-table"
    case streamStream = "stream-stream"
    case restore, latency, soak, budget, growth

    /// The topics that it reads, unless told otherwise.
    public var inputs: [String] {
        switch self {
        case .passthrough, .restore: ["state"]
        case .wordcount: ["lines"]
        case .wordcountKeyed: ["words"]
        case .windowed, .fraud: ["transactions"]
        case .session: ["clicks"]
        case .streamTable: ["clicks", "users"]
        case .streamStream: ["left", "right"]
        case .latency: ["latency"]
        case .soak: ["soak"]
        case .growth: ["growth"]
        case .budget: []
        }
    }

    /// Whether the checksum is over the last value of each key instead of over all records.
    public var countsLastValues: Bool {
        switch self {
        case .passthrough, .streamTable, .streamStream, .restore: false
        case .wordcount, .wordcountKeyed, .windowed, .fraud, .session, .latency, .soak, .budget, .growth: true
        }
    }

    /// The program, from its input topics to its output topic.
    public func topology(_ inputs: [String], _ output: String) throws -> Topology {
        let builder = StreamsBuilder()
        switch self {
        case .passthrough:
            builder.stream(inputs[0], key: .string, value: .string)
                .filter { _, value in value.utf8.first != UInt8(ascii: "a") }
                .mapValues { $0.uppercased() }
                .to(output)
        case .restore:
            let _: KTable<String, String> = builder.table(inputs[0], key: .string, value: .string, in: "store")
        case .wordcount:
            builder.stream(inputs[0], value: .string)
                .flatMapValues { words(of: $0) }
                .groupBy { _, word in word }
                .count(in: "store")
                .toStream()
                .to(output)
        case .wordcountKeyed:
            builder.stream(inputs[0], key: .string, value: .string).groupByKey().count(in: "store").toStream().to(output)
        case .windowed:
            totals(builder, inputs[0], .tumbling(size: .seconds(60), grace: .seconds(10)))
                .mapValues { total in total.map { "\($0.count),\($0.cents)" } }
                .to(output)
        case .fraud:
            totals(builder, inputs[0], .hopping(size: .seconds(60), advance: .seconds(10), grace: .seconds(10)))
                .filter { _, total in total.map { $0.count > 20 || $0.cents > 500_000 } ?? false }
                .mapValues { window, total in
                    total.map {
                        "{\"card\":\"\(window.prefix(7))\",\"window\":\(window.dropFirst(8)),\"count\":\($0.count),\"cents\":\($0.cents)}"
                    }
                }
                .to(output)
        case .session:
            builder.stream(inputs[0], key: .string, value: .string)
                .groupByKey()
                .windowedBy(SessionWindows(gap: .seconds(10), grace: .seconds(5)))
                .count(in: "store")
                .toStream { session, _ in "\(session.key)@\(session.window.start)-\(session.window.end)" }
                .mapValues { count in count.map(String.init) }
                .to(output)
        case .latency:
            builder.stream(inputs[0], key: .string, value: StampedCount.stamp)
                .groupByKey()
                .aggregate(StampedCount(), in: "store", value: StampedCount.serde) { _, stamp, last in
                    StampedCount(count: last.count + 1, stamp: stamp)
                }
                .toStream()
                .to(output)
        case .budget:
            throw MillraceError(.configuration, "The programs of budget are its cases', see BudgetCase.")
        case .soak:
            builder.stream(inputs[0], key: .string, value: StampedCount.stamp)
                .groupBy { key, _ in key }
                .count(in: "store")
                .toStream()
                .to(output)
        case .growth:
            builder.stream(inputs[0], key: .string, value: .string).groupByKey().count(in: "store").toStream().to(output)
        case .streamTable:
            let users: KTable<String, String> = builder.table(inputs[1], key: .string, value: .string, in: "store")
            builder.stream(inputs[0], key: .string, value: .string)
                .join(users) { click, user in user + "|" + click }
                .to(output)
        case .streamStream:
            let right = builder.stream(inputs[1], key: .string, value: .string)
            builder.stream(inputs[0], key: .string, value: .string)
                .join(right, within: JoinWindows(difference: .seconds(10), grace: .seconds(5)), in: "store") { left, right in
                    left + "|" + right
                }
                .to(output)
        }
        return try builder.build()
    }

    /// Count and sum of the payments of each card and window, under `card@windowStart`.
    private func totals(_ builder: StreamsBuilder, _ input: String, _ windows: TimeWindows) -> KStream<String, Total?> {
        builder.stream(input, key: .string, value: .json(Transaction.self))
            .groupByKey()
            .windowedBy(windows)
            .aggregate(Total(), in: "store", value: Total.serde) { _, payment, total in
                Total(count: total.count + 1, cents: total.cents + payment.cents)
            }
            .toStream { window, _ in "\(window.key)@\(window.window.start)" }
    }
}
