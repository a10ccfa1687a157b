import MillraceCore
import MillraceStreams
import MillraceTestKit

/// A topology over text that reads topic `in` and writes topic `out`, and its driver.
struct TableRun {
    let driver: TopologyTestDriver
    private let output: TestOutputTopic<String, String?>

    init(_ describe: (StreamsBuilder) -> Void) throws {
        let builder = StreamsBuilder()
        describe(builder)
        driver = try TopologyTestDriver(try builder.build())
        output = driver.output("out", key: .string, value: Serde.string.optional)
    }

    func pipe(_ records: [(key: String?, value: String?, time: Timestamp)], to topic: String = "in") throws {
        let input = driver.input(topic, key: Serde.string.optional, value: Serde.string.optional)
        for record in records { try input.pipe(record.key, record.value, at: record.time) }
    }

    /// What was written since the last call, as `key=value@time`.
    func read() throws -> [String] {
        try output.readAll().map { "\($0.key)=\($0.value ?? "nil")@\($0.timestamp)" }
    }
}
