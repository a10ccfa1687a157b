import Millrace
import MillraceTestKit
import Testing

/// Leaves out orders that came before, and forgets those that are an hour old.
final class Deduplicate: Processor {
    let context: ProcessorContext<String, Order>
    let seen: KeyValueStore<String, Int64>

    init(_ context: ProcessorContext<String, Order>) throws {
        self.context = context
        seen = try context.store("seen")
        try context.schedule(every: .seconds(60), by: .stream) { [seen] now in
            try seen.forEach { id, time in
                if time < now.milliseconds - 3_600_000 { try seen.delete(id) }
                return true
            }
        }
    }

    func process(_ record: Record<String, Order>) throws {
        if try seen.putIfAbsent(record.value.id, record.timestamp.milliseconds) == nil {
            try context.forward(record)
        }
    }
}

func deduplication() throws -> Topology {
    let builder = StreamsBuilder()
    builder.stream("orders", key: .string, value: Order.serde)
        .process(bringing: [.keyValue("seen", key: .string, value: .int64)]) { context in
            try Deduplicate(context)
        }
        .to("orders-once")
    return try builder.build()
}

@Suite struct DeduplicationTests {
    @Test func comesOnce() throws {
        let driver = try TopologyTestDriver(deduplication())
        let orders = driver.input("orders", key: .string, value: Order.serde)
        let order = Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 100)
        try orders.pipe("ada", order, at: 0)
        try orders.pipe("ada", order, at: 1)
        try orders.pipe("ada", order, at: 3_700_000)  // Known still: time moves on behind it.
        try orders.pipe("ada", order, at: 3_700_001)
        let once = driver.output("orders-once", key: .string, value: Order.serde)
        #expect(try once.readAll().map(\.timestamp) == [0, 3_700_001])
    }
}
