import Millrace
import Testing

/// The calls of the table in docs/operators.md that no other program here makes: they compile as they are written there.
func operatorTable() throws -> Topology {
    let builder = StreamsBuilder(defaultStore: .inMemory)
    let orders = builder.stream(["a", "b"], key: .string, value: Order.serde, startingAt: .earliest)
    let payments = builder.stream(
        "payments", key: .string, value: Payment.serde, timestamp: .init(withPartitionTime: { record, time in max(record.timestamp, time) })
    )
    let customers = builder.table("customers", key: .string, value: Customer.serde)
    let countries = builder.globalTable("countries", key: .string, value: .string)

    orders.peek { key, order in _ = (key, order) }.forEach { _, _ in }
    orders.print(label: "orders")
    orders.flatMap { key, order in [(order.product, key)] }.to("products")
    orders.flatMapValues { key, order in [key, order.id] }.to("ids")
    orders.repartition(named: "by-customer", partitions: 8).toTable(in: "latest").toStream().to("latest")

    orders.groupByKey().reduce(in: "largest") { largest, order in order.cents > largest.cents ? order : largest }
    orders.groupByKey().aggregate(in: "first") { _, order, first in first ?? order.cents }
    orders.groupByKey().cogroup(fromNil: { _, order, first in first ?? order.cents }).aggregate(in: "cogrouped")
    orders.groupByKey().windowedBy(UnlimitedWindows(startingAt: 0)).count(in: Materialized("unlimited", isLogged: false))

    orders.join(payments, within: JoinWindows(difference: .seconds(60), grace: .seconds(5), before: .zero)) { order, payment in
        order.cents - payment.cents
    }.to("left-to-pay")
    orders.outerJoin(payments, within: JoinWindows(difference: .seconds(60))) { key, order, payment in
        "\(key): \(order?.cents ?? 0), \(payment?.cents ?? 0)"
    }.to("reconciled")
    orders.join(customers) { order, customer in "\(order.id) \(customer.name)" }.to("named")
    orders.leftJoin(countries) { _, order in
        order.country
    } joining: { order, country in
        country ?? order.country
    }.to("countries-of-orders")

    let latest = builder.table("latest-orders", key: .string, value: Order.serde)
    latest.groupBy { _, order in (order.country, order.cents) }.count(in: "orders-in-country")
    latest.groupBy { _, order in (order.country, order.cents) }
        .aggregate(0, in: "cents-in-country", adding: { _, cents, sum in sum + cents }, subtracting: { _, cents, sum in sum - cents })
    latest.leftJoin(customers) { order, customer in customer?.name ?? order.id }.toStream().to("names")
    latest.outerJoin(customers) { order, customer in customer?.name ?? order?.id }.toStream().to("all-names")
    latest.leftJoin(customers, foreignKey: { _, order in order.customer }) { order, customer in customer?.name ?? order.customer }
        .toStream().to("names-by-foreign-key")
    latest.filterNot(in: Materialized("large", changelogSettings: ["segment.ms": "600000"])) { _, order in order.cents < 100 }
        .toStream().to("large")
    builder.addStore(.keyValue(.inMemory("shared"), key: .string, value: .int64))
    return try builder.build(optimizations: .all)
}

@Suite struct OperatorTableTests {
    @Test func isValid() throws {
        #expect(try operatorTable().describe().contains("by-customer-repartition"))
    }
}
