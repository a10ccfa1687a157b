import Millrace
import MillraceTestKit
import Testing

/// Orders that are not paid within an hour.
func unpaid() throws -> Topology {
    let builder = StreamsBuilder()
    let orders = builder.stream("orders", key: .string, value: Order.serde)
        .selectKey { _, order in order.id }
    let payments = builder.stream("payments", key: .string, value: Payment.serde)
        .selectKey { _, payment in payment.order }
    orders
        .leftJoin(payments, within: JoinWindows(difference: .seconds(3600)), in: "payments-of-orders") { order, payment in
            payment == nil ? order : nil
        }
        .compactMapValues { $0 }
        .to("unpaid")
    return try builder.build()
}

@Suite struct UnpaidTests {
    @Test func tellsTheUnpaid() throws {
        let driver = try TopologyTestDriver(unpaid())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        let payments = driver.input("payments", key: .string, value: Payment.serde)
        let order = Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100)
        try orders.pipe("a", order, at: 0)
        try orders.pipe("b", Order(id: "2", customer: "bob", product: "tea", country: "UK", cents: 100), at: 0)
        try payments.pipe("c", Payment(order: "2", cents: 100), at: 1000)
        try payments.pipe("c", Payment(order: "3", cents: 100), at: 9_000_000)
        #expect(try driver.output("unpaid", key: .string, value: Order.serde).readAll().map(\.value) == [order])
    }
}
