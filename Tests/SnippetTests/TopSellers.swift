import Millrace
import MillraceTestKit
import Testing

struct Sales: Codable, Sendable, Equatable, HasSerde {
    var product: String
    var sold: Int64
}

/// The three products of each country that sell best: a table of counts, grouped again.
func topSellers() throws -> Topology {
    let builder = StreamsBuilder()
    let sold = builder.stream("orders", key: .string, value: Order.serde)
        .groupBy { _, order in "\(order.country)/\(order.product)" }
        .count(in: "sold")
    sold
        .groupBy(value: Sales.serde) { key, count in
            let parts = key.split(separator: "/")
            return (String(parts[0]), Sales(product: String(parts[1]), sold: count))
        }
        .aggregate(
            [Sales](), in: "top-sellers", value: .json(),
            adding: { _, new, top in Array((top + [new]).sorted { $0.sold > $1.sold }.prefix(3)) },
            subtracting: { _, old, top in top.filter { $0 != old } }
        )
        .toStream()
        .to("top-sellers")
    return try builder.build()
}

@Suite struct TopSellersTests {
    @Test func ranks() throws {
        let driver = try TopologyTestDriver(topSellers())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        for (number, product) in ["tea", "cup", "tea", "pot", "spoon", "pot", "pot"].enumerated() {
            let order = Order(id: "\(number)", customer: "ada", product: product, country: "UK", cents: 100)
            try orders.pipe("\(number)", order, at: 0)
        }
        let top = driver.output("top-sellers", key: .string, value: .json([Sales].self))
        #expect(try top.readAll().last?.value.map(\.product) == ["pot", "tea", "cup"])
    }
}
