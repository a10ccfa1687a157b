import Millrace
import Testing

/// Foreign-key joins whose tables are partitioned differently, on the embedded log.
@Suite struct ForeignKeyPartitionsTests {
    private static let products = (0..<40).map { (key: "p\($0)", value: String?("s\($0 % 8)"), time: Timestamp(1)) }
    private static let shops = (0..<8).map { (key: "s\($0)", value: String?("shop \($0)"), time: Timestamp(1)) }

    private func expectAllOffers(_ app: AppOnDisk) throws {
        let offers = (0..<40).map { "p\($0)=s\($0 % 8) at shop \($0 % 8)" }
        #expect(try app.read("out").sorted() == offers.sorted())
    }

    @Test func everyRowFindsItsPartnerAcrossPartitions() async throws {
        let app = try AppOnDisk(topics: ["products": 3, "shops": 2, "out": 1])
        try app.write(Self.shops, to: "shops")
        try app.write(Self.products, to: "products")
        try await app.run { builder in
            let left: KTable<String, String> = builder.table("products")
            let right: KTable<String, String> = builder.table("shops")
            left.join(right, foreignKey: { $1 }) { product, shop in "\(product) at \(shop)" }.toStream().to("out")
        }
        try expectAllOffers(app)
    }

    @Test func tablesWithPartitionersOfTheirOwnFindEachOther() async throws {
        let app = try AppOnDisk(topics: ["products-in": 1, "shops-in": 1, "products": 3, "shops": 2, "out": 1])
        try app.write(Self.shops, to: "shops-in")
        try app.write(Self.products, to: "products-in")
        let bySum: KeyPartitioner<String> = { key, count in Int32(key.utf8.reduce(0) { $0 + Int($1) }) % count }
        try await app.run { builder in
            for topic in ["products", "shops"] {
                builder.stream(topic + "-in", key: .string, value: .string).to(
                    topic, partitioner: { key, _, count in try bySum(key, count) })
            }
        }
        try await app.run(as: "offers") { builder in
            let left: KTable<String, String> = builder.table("products")
            let right: KTable<String, String> = builder.table("shops")
            left.join(right, foreignKey: { $1 }, partitioner: bySum, otherPartitioner: bySum) { "\($0) at \($1)" }
                .toStream().to("out")
        }
        try expectAllOffers(app)
    }
}
