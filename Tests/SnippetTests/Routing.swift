import Millrace
import MillraceTestKit
import Testing

/// Orders of the web and the app as lines of text, each country's in a topic of its own.
func routing() throws -> Topology {
    let builder = StreamsBuilder()
    let web = builder.stream("web-orders", key: .string, value: Order.serde)
    let app = builder.stream("app-orders", key: .string, value: Order.serde)
    web.merge(with: app)
        .filterNot { _, order in order.cents == 0 }
        .map { _, order in (order.country, "\(order.customer) \(order.product)") }
        .to { "orders-\($0.key)" }
    return try builder.build()
}

@Suite struct RoutingTests {
    @Test func routes() throws {
        let driver = try TopologyTestDriver(routing())
        let order = Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100)
        try driver.input("web-orders", key: .string, value: Order.serde).pipe("1", order, at: 5)
        #expect(driver.writtenTopics() == ["orders-UK"])
    }
}
