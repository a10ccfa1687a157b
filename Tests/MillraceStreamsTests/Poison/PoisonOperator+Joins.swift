import Millrace

extension PoisonOperator {
    private static func streams(
        _ description: String,
        _ join: @escaping @Sendable (KStream<String, String>, KStream<String, String>, Fuse) -> KStream<String, String>
    ) -> PoisonOperator {
        PoisonOperator(description, topics: ["l", "r"]) { builder, fuse in join(builder.stream("l"), builder.stream("r"), fuse).to("out") }
    }

    private static let near = JoinWindows(difference: .milliseconds(10), grace: .milliseconds(10))

    static let joins: [PoisonOperator] = [
        streams("join") { left, right, fuse in left.join(right, within: near) { try fuse.check($0) + $1 } },
        streams("left join") { left, right, fuse in left.leftJoin(right, within: near) { try fuse.check($0) + ($1 ?? "-") } },
        streams("outer join") { left, right, fuse in
            left.outerJoin(right, within: near) { "\(try fuse.check($0 ?? "-"))\($1 ?? "-")" }
        },
        PoisonOperator("join with itself") { builder, fuse in
            let stream: KStream<String, String> = builder.stream("in")
            stream.join(stream, within: near) { try fuse.check($0) + $1 }.to("out")
        },
        PoisonOperator("join with a table", topics: ["l", "r"], tables: ["r"]) { builder, fuse in
            let rows: KTable<String, String> = builder.table("r", in: "rows")
            (builder.stream("l") as KStream<String, String>).join(rows) { try fuse.check($0) + $1 }.to("out")
        },
        PoisonOperator("left join with a table", topics: ["l", "r"], tables: ["r"]) { builder, fuse in
            let rows: KTable<String, String> = builder.table("r", in: "rows")
            (builder.stream("l") as KStream<String, String>).leftJoin(rows) { try fuse.check($0) + ($1 ?? "-") }.to("out")
        },
        PoisonOperator("join with a versioned table", topics: ["l", "r"], tables: ["r"]) { builder, fuse in
            let rows: KTable<String, String> = builder.table("r", in: .versioned("rows", history: .milliseconds(60)))
            (builder.stream("l") as KStream<String, String>).leftJoin(rows, grace: .milliseconds(20)) { try fuse.check($0) + ($1 ?? "-") }
                .to("out")
        },
        PoisonOperator("join with a global table") { builder, fuse in
            let rows: GlobalKTable<String, String> = builder.globalTable("names", in: "names")
            (builder.stream("in") as KStream<String, String>).leftJoin(rows, on: { key, _ in key }) { try fuse.check($0) + ($1 ?? "-") }
                .to("out")
        },
    ]

    private static func tables(
        _ description: String, comparison: EngineCase.Comparison = .lists, values: @escaping @Sendable (Int) -> String? = { "v\($0)" },
        _ join: @escaping @Sendable (KTable<String, String>, KTable<String, String>, Fuse) -> KTable<String, String>
    ) -> PoisonOperator {
        PoisonOperator(description, topics: ["l", "r"], tables: ["l", "r"], comparison: comparison, values: values) { builder, fuse in
            join(builder.table("l", in: "left"), builder.table("r", in: "right"), fuse).send()
        }
    }

    private static func table(
        _ description: String, in store: Materialized = "rows", hasClosure: Bool = true,
        _ next: @escaping @Sendable (KTable<String, String>, Fuse) -> KTable<String, String>
    ) -> PoisonOperator {
        PoisonOperator(description, tables: ["in"], comparison: .values, hasClosure: hasClosure) { builder, fuse in
            next(builder.table("in", in: store), fuse).send()
        }
    }

    private static func foreignKeys(_ number: Int) -> String? { number % 2 == 0 ? ["a", "b", "c"][number % 3] : "row\(number)" }

    static let tableOperators: [PoisonOperator] = [
        table("table", hasClosure: false) { table, _ in table },
        table("table with history", in: .versioned("rows", history: .milliseconds(60)), hasClosure: false) { table, _ in table },
        table("table with a time to live", in: Materialized("rows", timeToLive: .milliseconds(30)), hasClosure: false) { table, _ in table
        },
        table("filter of a table") { table, fuse in table.filter { try !fuse.check($1).hasSuffix("7") } },
        table("mapValues of a table") { table, fuse in table.mapValues { try fuse.check($0) + "!" } },
        table("transformValues") { table, fuse in table.transformValues { _ in Transforming(fuse) } },
        table("groupBy of a table") { table, fuse in
            table.groupBy { key, value in (key + (try fuse.check(value).suffix(1)), value) }
                .aggregate("", adding: { $2.suffix(20) + $1 }, subtracting: { $2 + "-" })
        },
        PoisonOperator("toTable") { builder, fuse in
            (builder.stream("in") as KStream<String, String>).toTable(in: "rows").mapValues { try fuse.check($0) }.send()
        },
        tables("join of tables") { left, right, fuse in left.join(right) { try fuse.check($0) + $1 } },
        tables("left join of tables") { left, right, fuse in left.leftJoin(right) { try fuse.check($0) + ($1 ?? "-") } },
        tables("outer join of tables") { left, right, fuse in
            left.outerJoin(right, in: "joined") { "\(try fuse.check($0 ?? "-"))\($1 ?? "-")" }
        },
        tables("foreign-key join", comparison: .lastValues, values: foreignKeys) { left, right, fuse in
            left.join(right, foreignKey: { try fuse.check($1) }) { $0 + $1 }
        },
        tables("left foreign-key join", comparison: .lastValues, values: foreignKeys) { left, right, fuse in
            left.leftJoin(right, foreignKey: { try fuse.check($1) }) { $0 + ($1 ?? "-") }
        },
    ]
}
