import Foundation
import Millrace
import MillraceTestKit
import Testing

// The article "Getting started"; its first step is in Shop.swift.

func revenueByCountry() throws -> Topology {
    let builder = StreamsBuilder()
    builder.stream("orders", key: .string, value: Order.serde)
        .groupBy { _, order in order.country }
        .aggregate(0, in: "revenue-by-country") { _, order, cents in cents + order.cents }
        .toStream()
        .to("revenue-by-country")
    return try builder.build()
}

@Suite struct GettingStartedTests {
    @Test func test() throws {
        let driver = try TopologyTestDriver(revenueByCountry())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        let revenue = driver.output("revenue-by-country", key: .string, value: .int64)

        try orders.pipe("1", Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 300), at: 0)
        try orders.pipe("2", Order(id: "2", customer: "bob", product: "cup", country: "UK", cents: 900), at: 5)

        #expect(try revenue.readAll().map(\.value) == [300, 1200])
    }

    @Test func run() async throws {
        let path = NSTemporaryDirectory() + "millrace-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: path) }

        let backend = try StreamsBackend.embedded(at: path)
        for topic in ["orders", "revenue-by-country"] where try backend.transport.describeTopic(topic) == nil {
            try backend.transport.createTopic(TopicSpecification(topic, partitions: 4))
        }

        let producer = try Producer<String, Order>(to: "orders", on: backend)
        try producer.send("1", Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 300))
        try producer.commit()

        let app = StreamsApp(try revenueByCountry(), on: backend, configuration: StreamsConfiguration(applicationID: "revenue"))
        app.shutDownWhenIdle()
        try await app.run()

        #expect(app.processedRecords == 2, "the order, and the same again behind the repartition topic")
    }
}
