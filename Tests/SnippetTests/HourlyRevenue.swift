import Millrace
import MillraceTestKit
import Testing

/// What each country spent in each hour: one final result an hour.
func hourlyRevenue() throws -> Topology {
    let builder = StreamsBuilder()
    builder.stream("orders", key: .string, value: Order.serde)
        .groupBy { _, order in order.country }
        .windowedBy(.tumbling(size: .seconds(3600), grace: .seconds(300)))
        .aggregate(0, in: "revenue") { _, order, cents in cents + order.cents }
        .suppress(.untilWindowCloses())
        .toStream()
        .map { hour, cents in ("\(hour.key)@\(hour.window.start)", cents) }
        .to("revenue")
    return try builder.build()
}

@Suite struct HourlyRevenueTests {
    @Test func oneResultAnHour() throws {
        let driver = try TopologyTestDriver(hourlyRevenue())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        for time: Timestamp in [0, 1000, 3_600_000, 3_900_000] {
            try orders.pipe("1", Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100), at: time)
        }
        let revenue = driver.output("revenue", key: .string, value: .int64)
        #expect(try revenue.readAll() == [Record(key: "UK@0", value: 200, timestamp: 1000)])
    }
}
