import Millrace
import MillraceTestKit
import Testing

/// Payments in dollars at the rate of their time, also where the rate was corrected later.
func conversion() throws -> Topology {
    let builder = StreamsBuilder()
    let rates = builder.table("rates", key: .string, value: .double, in: .versioned("rates", history: .seconds(86_400)))
    builder.stream("payments", key: .string, value: .double)
        .join(rates, grace: .seconds(60)) { amount, rate in amount * rate }
        .to("dollars")
    return try builder.build()
}

/// Sensors that have said nothing for a minute.
final class Silence: FixedKeyProcessor {
    let context: FixedKeyProcessorContext<String, String>
    let last: KeyValueStore<String, Int64>

    init(_ context: FixedKeyProcessorContext<String, String>) throws {
        self.context = context
        last = try context.store("last")
    }

    func process(_ record: FixedKeyRecord<String, Double>) throws {
        let before = try last.get(record.key)
        try last.put(record.key, record.timestamp.milliseconds)
        guard let before, record.timestamp.milliseconds - before > 60_000 else { return }
        try context.forward(record.with(value: "silent since \(before)"))
    }
}

func silence() throws -> Topology {
    let builder = StreamsBuilder()
    builder.stream("sensors", key: .string, value: .double)
        .processValues(bringing: [.keyValue("last", key: .string, value: .int64)]) { try Silence($0) }
        .to("silence")
    return try builder.build()
}

@Suite struct RatesTests {
    @Test func takesTheRateOfTheTime() throws {
        let driver = try TopologyTestDriver(conversion())
        let rates = driver.input("rates", key: .string, value: .double)
        let payments = driver.input("payments", key: .string, value: .double)
        try rates.pipe("EUR", 1.5, at: 0)
        try rates.pipe("EUR", 2, at: 10_000)
        try payments.pipe("EUR", 10, at: 5000)
        try payments.pipe("EUR", 10, at: 90_000)
        let dollars = driver.output("dollars", key: .string, value: .double)
        #expect(try dollars.readAll().map(\.value) == [15])
    }

    @Test func tellsSilence() throws {
        let driver = try TopologyTestDriver(silence())
        let sensors = driver.input("sensors", key: .string, value: .double)
        try sensors.pipe("a", 10, at: 5000)
        try sensors.pipe("a", 10, at: 90_000)
        #expect(try driver.output("silence", key: .string, value: .string).readAll().map(\.value) == ["silent since 5000"])
    }
}
