import Millrace
import MillraceTestKit
import Testing

/// Tells of carts that nothing was done with for half an hour.
final class AbandonedCarts: Processor {
    let context: ProcessorContext<String, String>
    let timers: Timers<String>

    init(_ context: ProcessorContext<String, String>) throws {
        self.context = context
        timers = try context.timers("carts", by: .stream) { timer in
            try context.forward(Record(key: timer.key, value: "abandoned", timestamp: timer.time))
        }
    }

    func process(_ record: Record<String, String>) throws {
        if record.value == "paid" {
            try timers.cancel(record.key)
        } else {
            try timers.set(record.key, at: record.timestamp.advanced(byMilliseconds: 1_800_000))
        }
    }
}

/// Asks a service, which is an actor here, for the names of customers.
actor CustomerService {
    func name(of customer: String) throws -> String { customer.uppercased() }
}

func abandonedCarts(_ service: CustomerService) throws -> Topology {
    let builder = StreamsBuilder()
    builder.idleness(after: .seconds(30))
    builder.stream("carts", key: .string, value: .string)
        .deduplicate(by: { _, event in event }, within: .seconds(60), in: "seen")
        .process(bringing: [.timers("carts", key: .string)]) { context in try AbandonedCarts(context) }
        .mapAsync(inFlight: 32, timeout: .seconds(2), retry: .exponential(attempts: 3, from: .milliseconds(100))) { customer, event in
            (try await service.name(of: customer), event)
        }
        .mapValuesAsync { event in event + "!" }
        .to("reminders")
    return try builder.build()
}

@Suite struct AbandonedCartsTests {
    @Test func remindsOfWhatIsLeft() throws {
        let driver = try TopologyTestDriver(try abandonedCarts(CustomerService()))
        let carts = driver.input("carts", key: .string, value: .string)
        try carts.pipe("ada", "tea", at: 0)
        try carts.pipe("ada", "tea", at: 50_000)  // The same event again.
        try carts.pipe("bob", "tea", at: 1000)
        try carts.pipe("bob", "paid", at: 2000)
        let reminders = driver.output("reminders", key: .string, value: .string)
        #expect(try reminders.readAll().isEmpty)
        // No more records come: time goes on by itself.
        try driver.advanceWallClock(by: .seconds(1800))
        #expect(try reminders.readAll() == [Record(key: "ADA", value: "abandoned!", timestamp: 1_800_000)])
    }
}
