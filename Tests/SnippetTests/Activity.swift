import Millrace
import MillraceTestKit
import Testing

struct Activity: Codable, Sendable, Equatable, HasSerde {
    var clicks = 0
    var cents: Int64 = 0
}

/// What each customer clicks and spends in an hour, from two topics.
func activity() throws -> Topology {
    let builder = StreamsBuilder()
    let clicks = builder.stream("clicks", key: .string, value: Click.serde).groupByKey()
    let orders = builder.stream("orders", key: .string, value: Order.serde).groupBy { _, order in order.customer }
    clicks
        .cogroup { _, _, activity in Activity(clicks: activity.clicks + 1, cents: activity.cents) }
        .cogroup(orders) { _, order, activity in Activity(clicks: activity.clicks, cents: activity.cents + order.cents) }
        .windowedBy(.tumbling(size: .seconds(3600)))
        .aggregate(Activity(), in: "activity")
        .toStream { window, _ in window.key }
        .to("activity")
    return try builder.build()
}

@Suite struct ActivityTests {
    @Test func foldsBoth() throws {
        let driver = try TopologyTestDriver(activity())
        try driver.input("clicks", key: .string, value: Click.serde).pipe("ada", Click(page: "/"), at: 0)
        let order = Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100)
        try driver.input("orders", key: .string, value: Order.serde).pipe("1", order, at: 5)
        let activity = driver.output("activity", key: .string, value: Activity.serde)
        #expect(try activity.readAll().last?.value == Activity(clicks: 1, cents: 100))
    }
}
