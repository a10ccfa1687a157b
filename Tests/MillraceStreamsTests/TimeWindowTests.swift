import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct TimeWindowTests {
    /// Runs records (key, value, time) through one windowed aggregation and gives what it sent, as text.
    static func run(
        _ records: [(String?, String?, Timestamp)],
        _ aggregate: (KGroupedStream<String, String?>) -> KTable<Windowed<String>, Int64>
    ) throws -> (driver: TopologyTestDriver, sent: [String]) {
        let builder = StreamsBuilder()
        let grouped: KGroupedStream<String, String?> = builder.stream("in", key: Serde.string.optional, value: Serde.string.optional)
            .groupByKey()
        aggregate(grouped).toStream().map { ($0.description, $1.map { String($0) }) }
            .to("out", key: .string, value: Serde.string.optional)
        let driver = try TopologyTestDriver(try builder.build())
        let input = driver.input("in", key: Serde.string.optional, value: Serde.string.optional)
        for (key, value, time) in records { try input.pipe(key, value, at: time) }
        let output = driver.output("out", key: Serde.string, value: Serde.string.optional)
        return (driver, try output.readAll().map { "\($0.key)=\($0.value ?? "nil") \($0.timestamp)" })
    }

    @Test func tumblingWindowsCountAndDropLateRecords() throws {
        let (driver, sent) = try Self.run([
            ("a", "x", 0), ("a", "x", 9), ("a", nil, 5), (nil, "x", 5), ("b", "x", 10), ("a", "x", 9), ("a", "x", 12),
        ]) {
            $0.windowedBy(.tumbling(size: .milliseconds(10))).count(in: "counts")
        }
        #expect(sent == ["a@0-10=1 0", "a@0-10=2 9", "a@0-10=3 9", "b@10-20=1 10", "a@10-20=1 12"])
        #expect(driver.droppedRecords == [.late: 1, .nullKey: 1])
        let store: WindowStore<String, Int64> = try driver.store("counts")
        // Starts up to 10 were put and the retention is 10: the window from 0 is forgotten.
        #expect(try store.all().map { "\($0.key)=\($0.value)" } == ["a@10-20=1", "b@10-20=1"])
        #expect(try store.fetch("a", at: 0) == nil)
        #expect(try store.fetch("a", in: 0...100).map(\.value) == [1])
        let changelog = driver.writtenRecords(of: "test-counts-changelog")
        #expect(changelog.first?.key == [97] + [UInt8](repeating: 0, count: 12))
        #expect(changelog.count == 5)
    }

    @Test func hoppingWindowsOverlapAndKeepGrace() throws {
        let (_, sent) = try Self.run([("a", "x", 12), ("a", "x", 30), ("a", "x", 12)]) {
            $0.windowedBy(.hopping(size: .milliseconds(10), advance: .milliseconds(5), grace: .milliseconds(11))).count(in: "counts")
        }
        #expect(sent == ["a@5-15=1 12", "a@10-20=1 12", "a@25-35=1 30", "a@30-40=1 30", "a@10-20=2 12"])
    }

    @Test func unlimitedWindowsStartOnce() throws {
        let (_, sent) = try Self.run([("a", "x", 4), ("a", "x", 5), ("a", "x", 500)]) {
            $0.windowedBy(UnlimitedWindows(startingAt: 5)).count(in: "counts")
        }
        #expect(sent == ["a@5-9223372036854775807=1 5", "a@5-9223372036854775807=2 500"])
    }

    @Test func wrongSizesFailTheBuild() throws {
        for windows in [
            TimeWindows.tumbling(size: .zero), .hopping(size: .seconds(1), advance: .seconds(2)),
            .tumbling(size: .seconds(1), grace: .seconds(-1)),
        ] {
            let builder = StreamsBuilder()
            let grouped: KGroupedStream<String, String> = builder.stream("in", key: .string, value: .string).groupByKey()
            _ = grouped.windowedBy(windows).count(in: "counts")
            #expect { try builder.build() } throws: { ($0 as? MillraceError)?.kind == .configuration }
        }
        let builder = StreamsBuilder()
        let grouped: KGroupedStream<String, String> = builder.stream("in", key: .string, value: .string).groupByKey()
        _ = grouped.windowedBy(.tumbling(size: .seconds(2))).count(in: .persistent("counts", retention: .seconds(1)))
        #expect { try builder.build() } throws: { ($0 as? MillraceError)?.kind == .configuration }
    }

    @Test func changelogForgetsADayAfterTheStore() throws {
        let builder = StreamsBuilder()
        let grouped: KGroupedStream<String, String> = builder.stream("in", key: .string, value: .string).groupByKey()
        _ = grouped.windowedBy(.tumbling(size: .seconds(2), grace: .seconds(1))).count(in: "counts")
        let text = try builder.build().describe()
        #expect(text.contains("Processor: KSTREAM-AGGREGATE-0000000001 (stores: [counts])"), "\(text)")
    }
}
