import Millrace
import MillraceTestKit
import Testing

struct OrderWithCustomer: Codable, Sendable, Equatable, HasSerde {
    var order: Order
    var customer: Customer
}

/// Orders with their customers, kept up to date as either changes.
func ordersWithCustomers() throws -> Topology {
    let builder = StreamsBuilder()
    let orders = builder.table("orders", key: .string, value: Order.serde)
    let customers = builder.table("customers", key: .string, value: Customer.serde)
    orders
        .join(customers, foreignKey: { _, order in order.customer }, in: "orders-with-customers") { order, customer in
            OrderWithCustomer(order: order, customer: customer)
        }
        .toStream()
        .to("orders-with-customers")
    return try builder.build()
}

@Suite struct ForeignKeysTests {
    @Test func aCustomerWhoMovesChangesHerOrders() throws {
        let driver = try TopologyTestDriver(ordersWithCustomers())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        let customers = driver.input("customers", key: .string, value: Customer.serde.optional)
        let order = Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100)
        try orders.pipe("1", order, at: 0)
        try customers.pipe("ada", Customer(name: "Ada", email: "ada@example.org"), at: 1)
        try customers.pipe("ada", nil, at: 2)
        let joined = driver.output("orders-with-customers", key: .string, value: OrderWithCustomer.serde.optional)
        #expect(try joined.readAll().map(\.value?.customer.name) == ["Ada", nil])
        let store: KeyValueStore<String, OrderWithCustomer> = try driver.keyValueStore("orders-with-customers")
        #expect(try store.get("1") == nil)
    }
}
