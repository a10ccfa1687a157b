import Millrace
import MillraceTestKit
import Testing

/// What each customer has spent, told at most once in ten seconds.
func balances() throws -> Topology {
    let builder = StreamsBuilder()
    builder.stream("orders", key: .string, value: Order.serde)
        .groupBy { _, order in order.customer }
        .aggregate(0, in: "spent") { _, order, cents in cents + order.cents }
        .suppress(.untilTimeLimit(.seconds(10), maximumRecords: 10_000))
        .toStream()
        .to("spent")
    return try builder.build()
}

/// What each country's customers have spent together: a customer who moves takes her sum along.
func spentByCountry() throws -> Topology {
    let builder = StreamsBuilder()
    let latest = builder.table("latest-orders", key: .string, value: Order.serde, in: "latest-orders")
    latest
        .groupBy { _, order in (order.country, order.cents) }
        .reduce(in: "by-country", adding: +, subtracting: -)
        .mapValues { cents in cents > 0 ? cents : nil }
        .toStream()
        .to("by-country")
    return try builder.build()
}

@Suite struct BalancesTests {
    @Test func oneUpdateInTenSeconds() throws {
        let driver = try TopologyTestDriver(balances())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        for time: Timestamp in [0, 1000, 2000, 12_000] {
            try orders.pipe("1", Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100), at: time)
        }
        let spent = driver.output("spent", key: .string, value: .int64)
        #expect(try spent.readAll().map(\.value) == [400])
    }

    @Test func moves() throws {
        let driver = try TopologyTestDriver(spentByCountry())
        let orders = driver.input("latest-orders", key: .string, value: Order.serde)
        try orders.pipe("ada", Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100), at: 0)
        try orders.pipe("ada", Order(id: "2", customer: "ada", product: "tea", country: "FR", cents: 70), at: 0)
        let store = try driver.keyValueStore("by-country", key: String.self, value: Int64.self)
        #expect(try store.get("UK") == 0)
        #expect(try store.get("FR") == 70)
    }
}
