import Millrace

extension PoisonOperator {
    static let all: [PoisonOperator] = stateless + processors + aggregations + windows + held + joins + tableOperators

    private static func source(_ builder: StreamsBuilder, _ topic: String = "in") -> KStream<String, String> { builder.stream(topic) }

    static let stateless: [PoisonOperator] = [
        PoisonOperator("filter") { builder, fuse in source(builder).filter { try !fuse.check($1).hasSuffix("7") }.to("out") },
        PoisonOperator("map") { builder, fuse in source(builder).map { ("\($0)!", try fuse.check($1)) }.to("out") },
        PoisonOperator("mapValues") { builder, fuse in source(builder).mapValues { try fuse.check($0) + "!" }.to("out") },
        PoisonOperator("compactMapValues") { builder, fuse in
            source(builder).compactMapValues { try fuse.check($0).hasSuffix("7") ? nil : $0 }.to("out")
        },
        PoisonOperator("flatMap") { builder, fuse in
            source(builder).flatMap { key, value in [(key, try fuse.check(value)), ("\(key)2", value)] }.to("out")
        },
        PoisonOperator("flatMapValues") { builder, fuse in
            source(builder).flatMapValues { [try fuse.check($0), "again"] }.to("out")
        },
        PoisonOperator("peek") { builder, fuse in source(builder).peek { _ = try fuse.check($1) }.to("out") },
        PoisonOperator("branches") { builder, fuse in
            let split = source(builder).split()
            split.branch { try fuse.check($1).hasSuffix("7") }.mapValues { $0 + "7" }.to("out")
            split.defaultBranch().to("out")
        },
        PoisonOperator("merge", topics: ["l", "r"]) { builder, fuse in
            source(builder, "l").merge(with: source(builder, "r")).mapValues { try fuse.check($0) }.to("out")
        },
        PoisonOperator("repartition", comparison: .values) { builder, fuse in
            source(builder).selectKey { "\($0)\(try fuse.check($1).count)" }.repartition().to("out")
        },
        PoisonOperator("mapValuesAsync") { builder, fuse in
            source(builder).mapValuesAsync(inFlight: 4, timeout: nil) { try fuse.check($0) + "!" }.to("out")
        },
        PoisonOperator("mapValuesAsync by key") { builder, fuse in
            source(builder).mapValuesAsync(inFlight: 4, order: .perKey, timeout: nil, retry: .fixed(attempts: 1, every: .milliseconds(1))) {
                try fuse.check($0) + "!"
            }.to("out")
        },
        PoisonOperator("timestamp extractor") { builder, fuse in
            let stream: KStream<String, String> = builder.stream(
                "in",
                timestamp: TimestampExtractor(withPartitionTime: { record, _ in
                    _ = try fuse.check(record.value)
                    return record.timestamp
                }))
            stream.to("out")
        },
    ]

    static let processors: [PoisonOperator] = [
        PoisonOperator("process") { builder, fuse in source(builder).process { Forwarding($0, fuse) }.to("out") },
        PoisonOperator("processValues") { builder, fuse in source(builder).processValues { ForwardingValues($0, fuse) }.to("out") },
        PoisonOperator("timers") { builder, fuse in
            source(builder).process(bringing: [.timers("timers", key: .string)]) { try Reminding($0, fuse) }.to("out")
        },
        PoisonOperator("punctuation") { builder, fuse in source(builder).process { try TellingTime($0, fuse) }.to("out") },
        PoisonOperator("deduplicate") { builder, fuse in
            source(builder).deduplicate(by: { try "\($0)\(fuse.check($1).utf8.last ?? 0)" }, within: .milliseconds(90), in: "seen").to(
                "out")
        },
    ]

    static let aggregations: [PoisonOperator] = [
        PoisonOperator("count", hasClosure: false) { builder, _ in
            source(builder).groupByKey().count(in: "rows").toStream().to("out")
        },
        PoisonOperator("reduce") { builder, fuse in
            source(builder).groupByKey().reduce(in: "rows") { $0.suffix(20) + (try fuse.check($1)) }.send()
        },
        PoisonOperator("aggregate") { builder, fuse in
            source(builder).groupByKey().aggregate("", in: "rows") { _, value, sum in sum.suffix(20) + (try fuse.check(value)) }.send()
        },
        PoisonOperator("groupBy", comparison: .values) { builder, fuse in
            source(builder).groupBy { key, value in key + (try fuse.check(value).suffix(1)) }.reduce(in: "rows") { $0.suffix(20) + $1 }
                .send()
        },
        PoisonOperator("cogroup", topics: ["l", "r"]) { builder, fuse in
            source(builder, "l").groupByKey().cogroup { _, value, sum in sum.suffix(20) + (try fuse.check(value)) }
                .cogroup(source(builder, "r").groupByKey()) { _, value, sum in sum.suffix(20) + value.uppercased() }
                .aggregate("", in: "rows").send()
        },
        PoisonOperator("rows with a time to live") { builder, fuse in
            source(builder).groupByKey()
                .reduce(in: Materialized("rows", timeToLive: .milliseconds(30))) { $0.suffix(20) + (try fuse.check($1)) }.send()
        },
    ]

    /// The size of windows, in milliseconds; no time is in more than four.
    private static let size: Duration = .milliseconds(40)

    /// A windowed aggregation that joins values.
    private static func windowed(
        _ description: String, hasClosure: Bool = true,
        _ reduce: @escaping @Sendable (KGroupedStream<String, String>, Fuse) -> KTable<Windowed<String>, String>
    ) -> PoisonOperator {
        PoisonOperator(description, hasClosure: hasClosure) { builder, fuse in
            reduce(source(builder).groupByKey(), fuse).toStream { window, _ in "\(window)" }
                .to("out", value: Serde.string.optional)
        }
    }

    static let windows: [PoisonOperator] = [
        windowed("tumbling") { stream, fuse in
            stream.windowedBy(.tumbling(size: size, grace: .milliseconds(10))).reduce { $0 + (try fuse.check($1)) }
        },
        windowed("tumbling by the millisecond", hasClosure: false) { stream, fuse in
            stream.windowedBy(.tumbling(size: .milliseconds(1))).reduce { $0 + (try fuse.check($1)) }
        },
        windowed("hopping") { stream, fuse in
            stream.windowedBy(.hopping(size: size, advance: .milliseconds(10), grace: .milliseconds(30))).reduce {
                $0 + (try fuse.check($1))
            }
        },
        windowed("hopping, sent when closed") { stream, fuse in
            stream.windowedBy(.hopping(size: size, advance: .milliseconds(10), grace: .milliseconds(30)), emit: .onWindowClose)
                .reduce { $0 + (try fuse.check($1)) }
        },
        PoisonOperator("hopping panes", hasClosure: false) { builder, _ in
            source(builder).groupByKey()
                .windowedBy(.hopping(size: .milliseconds(3), advance: .milliseconds(1), grace: .milliseconds(5)), emit: .onWindowClose)
                .count(in: "rows").toStream { window, _ in "\(window)" }.to("out")
        },
        PoisonOperator("hopping panes without grace", hasClosure: false) { builder, _ in
            source(builder).groupByKey().windowedBy(.hopping(size: size, advance: .milliseconds(10)), emit: .onWindowClose)
                .count(in: "rows").toStream { window, _ in "\(window)" }.to("out")
        },
        windowed("unlimited") { stream, fuse in stream.windowedBy(UnlimitedWindows()).reduce { $0.suffix(20) + (try fuse.check($1)) } },
        windowed("sliding") { stream, fuse in
            stream.windowedBy(SlidingWindows(difference: .milliseconds(20), grace: .milliseconds(30))).reduce { $0 + (try fuse.check($1)) }
        },
        windowed("sliding, sent when closed") { stream, fuse in
            stream.windowedBy(SlidingWindows(difference: .milliseconds(20)), emit: .onWindowClose).reduce { $0 + (try fuse.check($1)) }
        },
        windowed("sessions") { stream, fuse in
            stream.windowedBy(SessionWindows(gap: .milliseconds(12), grace: .milliseconds(20))).reduce { $0 + (try fuse.check($1)) }
        },
        windowed("sessions of a moment", hasClosure: false) { stream, fuse in
            stream.windowedBy(SessionWindows(gap: .zero)).reduce { $0 + (try fuse.check($1)) }
        },
        windowed("sessions, sent when closed") { stream, fuse in
            stream.windowedBy(SessionWindows(gap: .milliseconds(12), grace: .milliseconds(20)), emit: .onWindowClose)
                .reduce { $0 + (try fuse.check($1)) }
        },
        PoisonOperator("cogroup in windows", topics: ["l", "r"]) { builder, fuse in
            source(builder, "l").groupByKey().cogroup { _, value, sum in sum + (try fuse.check(value)) }
                .cogroup(source(builder, "r").groupByKey()) { _, value, sum in sum + value.uppercased() }
                .windowedBy(.tumbling(size: size, grace: size)).aggregate("", in: "rows")
                .toStream { window, _ in "\(window)" }.to("out", value: Serde.string.optional)
        },
    ]
}
