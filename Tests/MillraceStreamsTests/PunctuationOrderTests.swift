import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct PunctuationOrderTests {
    /// Says its name every ten milliseconds, and hands on what it gets.
    private final class Clock: Processor {
        private let context: ProcessorContext<String, String>

        init(_ name: String, _ context: ProcessorContext<String, String>) throws {
            self.context = context
            try context.schedule(every: .milliseconds(10), by: .stream) { now in
                try context.forward(Record(key: name, value: "at \(now)", timestamp: now))
            }
        }

        func process(_ record: Record<String, String>) throws { try context.forward(record) }
    }

    private func outputs(_ names: [String], times: [Timestamp]) throws -> [String] {
        let builder = StreamsBuilder()
        var stream: KStream<String, String> = builder.stream("in", key: .string, value: .string)
        for name in names {
            stream = stream.process { (context: ProcessorContext<String, String>) in try Clock(name, context) }
        }
        stream.to("out", key: .string, value: .string)
        let driver = try TopologyTestDriver(try builder.build())
        for time in times { try driver.input("in", key: Serde.string, value: Serde.string).pipe("k", "v", at: time) }
        return try driver.output("out", key: Serde.string, value: Serde.string).readAll().map(\.key).filter { $0 != "k" }
    }

    @Test func theFirstNodeOfATopologyFiresFirst() throws {
        #expect(try outputs(["a", "b"], times: [5]) == ["a", "b"])
    }

    @Test func nodesDueAtTheSameTimeFireInTheOrderOfJavasQueue() throws {
        // The last of the three moves to the top of the heap when the first is taken out.
        #expect(try outputs(["a", "b", "c"], times: [5]) == ["a", "c", "b"])
        #expect(try outputs(["a", "b", "c"], times: [5, 10]) == ["a", "c", "b", "c", "b", "a"])
    }
}
