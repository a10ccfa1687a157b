import BenchmarkScenarios
import Millrace

/// A program with one stateful operator. Each is what a user would write.
enum OperatorCase: String, CaseIterable {
    case sliding, suppress, cogroup, hopping, deduplicate
    case suppressLimit = "suppress-limit"
    case onClose = "on-close"
    case foreignKey = "foreign-key"
    case tableJoin = "table-join"
    case versionedJoin = "versioned-join"
    case globalTable = "global-table"
    case timeToLive = "time-to-live"
    case transformValues = "transform-values"

    var inputs: [OperatorInput] {
        switch self {
        // A window holds three records of a key.
        case .sliding: [OperatorInput(topic: "events", keyCount: 200, step: 50)]
        case .suppress, .suppressLimit, .cogroup, .hopping, .deduplicate, .onClose, .timeToLive, .transformValues:
            [OperatorInput(topic: "events", keyCount: 500)] + (self == .cogroup ? [OperatorInput(topic: "others", keyCount: 500)] : [])
        // A row is referred to by one other, on average.
        case .foreignKey, .tableJoin, .versionedJoin, .globalTable:
            [OperatorInput(topic: "events", keyCount: 1000), OperatorInput(topic: "others", keyCount: 1000)]
        }
    }

    func topology() throws -> Topology {
        let builder = StreamsBuilder()
        switch self {
        case .sliding:
            events(builder).groupByKey().windowedBy(SlidingWindows(difference: .seconds(30), grace: .seconds(5))).count(in: "store")
                .toStream { window, _ in window.key }.to("out")
        case .suppress:
            windowed(builder).count(in: "store").suppress(.untilWindowCloses()).toStream { window, _ in window.key }.to("out")
        case .suppressLimit:
            table(builder, "events").suppress(.untilTimeLimit(.seconds(2))).toStream().to("out")
        case .onClose:
            windowed(builder, emit: .onWindowClose).count(in: "store").toStream { window, _ in window.key }.to("out")
        case .hopping:
            events(builder).groupByKey().windowedBy(.hopping(size: .seconds(60), advance: .seconds(10), grace: .seconds(5)))
                .aggregate(0 as Int64, in: "store") { _, value, sum in sum + Int64(value.utf8.count) }
                .toStream { window, _ in window.key }.to("out")
        case .cogroup:
            let others = builder.stream("others", key: .string, value: .string).groupByKey()
            events(builder).groupByKey()
                .cogroup { (_, value, sum: Int64) in sum + Int64(value.utf8.count) }
                .cogroup(others) { _, value, sum in sum - Int64(value.utf8.count) }
                .aggregate(0, in: "store", value: .bigEndian).toStream().to("out")
        case .deduplicate:
            events(builder).deduplicate(within: .seconds(10), in: "store").to("out")
        case .timeToLive:
            events(builder).groupByKey().count(in: Materialized("store", timeToLive: .seconds(10))).toStream().to("out")
        case .foreignKey:
            table(builder, "events")
                .join(table(builder, "others"), foreignKey: { _, value in String(decoding: value.utf8.prefix(6), as: UTF8.self) }) {
                    event, other in event + "|" + other
                }
                .toStream().to("out")
        case .tableJoin:
            table(builder, "events").join(table(builder, "others")) { event, other in event + "|" + other }.toStream().to("out")
        case .versionedJoin:
            let others: KTable<String, String> = builder.table(
                "others", key: .string, value: .string, in: .versioned("store", history: .seconds(60)))
            events(builder).join(others) { event, other in event + "|" + other }.to("out")
        case .globalTable:
            let others: GlobalKTable<String, String> = builder.globalTable("others", key: .string, value: .string)
            events(builder).join(others, on: { key, _ in key }, joining: { event, other in event + "|" + other }).to("out")
        case .transformValues:
            table(builder, "events").transformValues(in: "store", value: .bigEndian) { _ in LengthOfValue() }.toStream().to("out")
        }
        return try builder.build()
    }

    private func events(_ builder: StreamsBuilder) -> KStream<String, String> {
        builder.stream("events", key: .string, value: .string)
    }

    private func windowed(_ builder: StreamsBuilder, emit: EmitStrategy = .onWindowUpdate) -> TimeWindowedKStream<String, String> {
        events(builder).groupByKey().windowedBy(.tumbling(size: .seconds(10), grace: .seconds(1)), emit: emit)
    }

    private func table(_ builder: StreamsBuilder, _ topic: String) -> KTable<String, String> {
        builder.table(topic, key: .string, value: .string)
    }
}

private final class LengthOfValue: TableTransformer {
    func transform(_ row: FixedKeyRecord<String, String?>) throws -> Int64? {
        row.value.map { Int64($0.utf8.count) }
    }
}
