import Millrace
import MillraceTestKit
import Testing

/// Customers who order too much in a minute, the worst of them to another topic.
func alerts() throws -> Topology {
    let builder = StreamsBuilder()
    let counts = builder.stream("orders", key: .string, value: Order.serde)
        .groupBy { _, order in order.customer }
        .windowedBy(.hopping(size: .seconds(60), advance: .seconds(20)), emit: .onWindowClose)
        .count(in: .persistent("orders-per-minute", retention: .seconds(86_400)))
    let alerts =
        counts
        .toStream { window, _ in window.key }
        .compactMapValues { $0 }
        .filter { _, count in count > 2 }
        .split()
    alerts.branch { _, count in count > 3 }.to("urgent")
    alerts.defaultBranch().to("alerts")
    return try builder.build()
}

@Suite struct AlertsTests {
    @Test func alert() throws {
        let driver = try TopologyTestDriver(alerts())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        try orders.pipe("1", Order(id: "1", customer: "bob", product: "tea", country: "UK", cents: 100), at: 0)
        for time: Timestamp in [0, 1, 2, 100_000] {
            try orders.pipe("1", Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100), at: time)
        }
        let alerts = driver.output("alerts", key: .string, value: .int64)
        #expect(try alerts.readAll().map(\.value) == [3])
        #expect(driver.writtenTopics() == ["alerts"])
    }
}
