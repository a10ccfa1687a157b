import Millrace
import MillraceTestKit
import Testing

struct Invoice: Codable, Sendable, Equatable, HasSerde {
    var order: Order
    var customer: Customer?
    var product: Product
}

/// Orders with what is known of their customers and products.
func enrichment() throws -> Topology {
    let builder = StreamsBuilder()
    let customers = builder.table("customers", key: .string, value: Customer.serde)
    let products = builder.globalTable("products", key: .string, value: Product.serde)
    builder.stream("orders", key: .string, value: Order.serde)
        .selectKey { _, order in order.customer }
        .leftJoin(customers) { order, customer in (order, customer) }
        .join(products) { _, pair in
            pair.0.product
        } joining: { pair, product in
            Invoice(order: pair.0, customer: pair.1, product: product)
        }
        .to("invoices")
    return try builder.build()
}

@Suite struct EnrichmentTests {
    @Test func enriches() throws {
        let driver = try TopologyTestDriver(enrichment())
        let ada = Customer(name: "Ada", email: "ada@example.org")
        try driver.input("customers", key: .string, value: Customer.serde).pipe("ada", ada, at: 0)
        let tea = Product(name: "Tea", category: "drinks")
        try driver.input("products", key: .string, value: Product.serde).pipe("tea", tea, at: 0)
        let order = Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100)
        try driver.input("orders", key: .string, value: Order.serde).pipe("1", order, at: 5)
        let invoices = driver.output("invoices", key: .string, value: Invoice.serde)
        let invoice = try #require(try invoices.read())
        #expect(invoice.key == "ada")
        #expect(invoice.value == Invoice(order: order, customer: ada, product: tea))
        #expect(try invoices.read() == nil)
    }
}
