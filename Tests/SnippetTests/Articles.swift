import Millrace
import MillraceTestKit
import Testing

// The articles of the catalogue and the README, block by block.

@Suite struct ArticleTests {
    @Test func firstPage() throws {
        let builder = StreamsBuilder()
        builder.stream("lines", value: .string)
            .flatMapValues { $0.lowercased().split(separator: " ").map(String.init) }
            .groupBy { _, word in word }
            .count(in: "counts")
            .toStream()
            .to("word-counts")
        let topology = try builder.build()

        let driver = try TopologyTestDriver(topology)
        let lines = driver.input("lines", value: .string)
        let counts = driver.output("word-counts", key: .string, value: .int64)
        try lines.pipe("to be or not to be", at: 0)
        let last = try counts.readAll().last  // be, 2

        #expect(last == Record(key: "be", value: 2, timestamp: 0))
    }

    @Test func nullsAndTypes() throws {
        let builder = StreamsBuilder()
        let all: KStream<String?, Order?> = builder.stream("orders", key: Serde.string.optional, value: Order.serde.optional)
        let table = all.toTable()
        let orders = builder.stream("orders-2", key: .string, value: Order.serde)

        let present: KStream<String, Order> = table.toStream().compactMapValues { $0 }

        let expensive = table.mapValues { order in order.cents > 10_000 ? order : nil }

        let counts: KTable<String, Int64> = all.groupByKey().count(in: "orders-per-key")

        let discounts: KStream<String, Int64?> = orders.mapValues { $0.cents > 10_000 ? $0.cents / 10 : nil }

        present.to("present")
        expensive.toStream().to("expensive")
        counts.toStream().to("counts")
        discounts.to("discounts")
        let driver = try TopologyTestDriver(builder.build())
        let input = driver.input("orders", key: Serde.string.optional, value: Order.serde.optional)
        try input.pipe("1", tea, at: 0)
        try input.pipe("1", nil, at: 1)
        try input.pipe(nil, tea, at: 2)
        #expect(try driver.output("present", key: .string, value: Order.serde).readAll().count == 1)
        #expect(try driver.output("expensive", key: .string, value: Order.serde.optional).readAll().map(\.value) == [nil, nil])
        #expect(try driver.output("counts", key: .string, value: .int64).readAll().map(\.value) == [1])
    }

    @Test func windowsAndTime() throws {
        let builder = StreamsBuilder()
        let orders = builder.stream("orders", key: .string, value: Order.serde, timestamp: TimestampExtractor { $0.timestamp })

        let byCountry = orders.groupBy { _, order in order.country }

        // Each hour by itself.
        byCountry.windowedBy(.tumbling(size: .seconds(3600))).count(in: "per-hour")
        // The last hour, every ten minutes.
        byCountry.windowedBy(.hopping(size: .seconds(3600), advance: .seconds(600))).count(in: "last-hour")
        // All orders that are at most ten minutes apart.
        byCountry.windowedBy(SlidingWindows(difference: .seconds(600))).count(in: "close-together")
        // What follows each other with less than half an hour between.
        byCountry.windowedBy(SessionWindows(gap: .seconds(1800))).count(in: "per-session")

        byCountry.windowedBy(.tumbling(size: .seconds(3600), grace: .seconds(300))).count(in: "with-grace")

        let final = byCountry.windowedBy(.tumbling(size: .seconds(3600))).count(in: "suppressed").suppress(.untilWindowCloses())
        let closed = byCountry.windowedBy(.tumbling(size: .seconds(3600)), emit: .onWindowClose)
            .count(in: .persistent("closed", retention: .seconds(86_400)))

        byCountry.windowedBy(.tumbling(size: .seconds(3600))).count(in: "for-topic")
            .toStream { window, _ in window.key }
            .to("orders-per-hour")

        final.toStream().merge(with: closed.toStream()).to("final", key: .timeWindowed(.string, size: .seconds(3600)))
        let driver = try TopologyTestDriver(builder.build())
        try driver.input("orders", key: .string, value: Order.serde).pipe("1", tea, at: 10)
        let store = try driver.store("per-hour", as: WindowStore<String, Int64>.self)
        #expect(try store.fetch("UK", at: 0) == 1)
        try driver.input("orders", key: .string, value: Order.serde).pipe("2", tea, at: 3_600_000)
        #expect(driver.writtenRecords(of: "final").count == 2)
    }

    @Test func stateAndExactlyOnce() throws {
        let builder = StreamsBuilder()
        let clicks = builder.stream("clicks", key: .string, value: Click.serde)
        clicks.groupByKey().count(in: "clicks-per-user")
        clicks.groupByKey().count(in: .inMemory("clicks-in-memory"))
        let driver = try TopologyTestDriver(builder.build())
        try driver.input("clicks", key: .string, value: Click.serde).pipe("ada", Click(page: "/"), at: 0)
        #expect(driver.writtenRecords(of: "test-clicks-per-user-changelog").count == 1)
    }

    @Test func testingAnApp() throws {
        let driver = try TopologyTestDriver(revenueByCountry())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        let revenue = driver.output("revenue-by-country", key: .string, value: .int64)

        try orders.pipe("1", tea, at: 1000)

        #expect(try revenue.read() == Record(key: "UK", value: 300, timestamp: 1000))
        #expect(try revenue.read() == nil)

        let store = try driver.keyValueStore("revenue-by-country", key: String.self, value: Int64.self)
        #expect(try store.get("UK") == 300)
        try store.put("FR", 50)

        try driver.advanceWallClock(by: .seconds(60))
        let message = #expect(throws: MillraceError.self) { try driver.keyValueStore("revenues", key: String.self, value: Int64.self) }?
            .message
        #expect(message == "There is no store \"revenues\". The topology has revenue-by-country.")
    }

    @Test func droppedRecords() throws {
        let driver = try TopologyTestDriver(hourlyRevenue())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        try orders.pipe("1", tea, at: 10_000_000)
        try orders.pipe("1", tea, at: 0)

        #expect(driver.droppedRecords == [.late: 1])
    }
}
