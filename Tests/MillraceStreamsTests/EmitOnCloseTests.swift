import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct EmitOnCloseTests {
    private static let records: [(String?, String?, Timestamp)] = [
        ("b", "x", 0), ("a", "x", 3), ("a", "x", 7), ("c", "x", 16), ("a", "x", 15), ("b", "x", 40), ("z", "x", 60),
    ]

    @Test func closedWindowsAreSentOnceByStartAndKey() throws {
        let (driver, sent) = try TimeWindowTests.run(Self.records) {
            $0.windowedBy(.hopping(size: .milliseconds(10), advance: .milliseconds(5)), emit: .onWindowClose)
                .count(in: .persistent("counts", retention: .seconds(1)))
        }
        #expect(
            sent == [
                "a@0-10=2 7", "b@0-10=1 0", "a@5-15=1 7", "a@10-20=1 15", "c@10-20=1 16", "a@15-25=1 15", "c@15-25=1 16", "b@35-45=1 40",
                "b@40-50=1 40",
            ])
        #expect(driver.writtenRecords(of: "test-counts-changelog").count > sent.count)
    }

    @Test func windowsThatTheStoreForgotAreLost() throws {
        let (_, sent) = try TimeWindowTests.run(Self.records) {
            $0.windowedBy(.hopping(size: .milliseconds(10), advance: .milliseconds(5)), emit: .onWindowClose).count(in: .inMemory("counts"))
        }
        #expect(sent == [])
    }

    @Test func slidingWindowsCloseAfterTheirLastMoment() throws {
        let (_, sent) = try TimeWindowTests.run([("a", "x", 20), ("a", "x", 30), ("a", "x", 31)]) {
            $0.windowedBy(SlidingWindows(difference: .milliseconds(10)), emit: .onWindowClose).count(
                in: .persistent("counts", retention: .seconds(1)))
        }
        #expect(sent == ["a@10-20=1 20", "a@20-30=2 30"])
    }

    @Test func unlimitedWindowsCannotClose() throws {
        let builder = StreamsBuilder()
        let grouped: KGroupedStream<String, String> = builder.stream("in", key: .string, value: .string).groupByKey()
        _ = grouped.windowedBy(UnlimitedWindows(), emit: .onWindowClose).count()
        #expect { try builder.build() } throws: { ($0 as? MillraceError)?.kind == .configuration }
    }
}
