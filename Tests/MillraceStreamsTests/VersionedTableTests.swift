import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct VersionedTableTests {
    @Test func rowsOutOfOrderAreSentOnAndThoseOlderThanTheHistoryAreDropped() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: .versioned("rows", history: .milliseconds(100))).toStream().to("out")
        }
        try run.pipe([("a", "new", 200), ("a", "old", 150), ("a", "older", 99), ("b", "x", 100)])
        #expect(try run.read() == ["a=new@200", "a=old@150", "b=x@100"])
        #expect(run.driver.droppedRecords == [.expired: 1])
        let store = try run.driver.store("rows", as: VersionedStore<String, String>.self)
        #expect(try store.get("a")?.value == "new")
        #expect(try store.get("a", asOf: 199) == VersionedRecord(value: "old", timestamp: 150, validTo: 200))
    }

    @Test func groupsHoldLatestRowsOnly() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: .versioned("rows", history: .milliseconds(100)))
                .mapValues { $0 + "!" }
                .groupBy { _, value in ("g", value) }
                .aggregate("", adding: { "\($2)+\($1)" }, subtracting: { "\($2)-\($1)" })
                .toStream().to("out")
        }
        try run.pipe([("a", "x", 200), ("a", "y", 150), ("a", "z", 210)])
        #expect(try run.read() == ["g=+x!@200", "g=+x!-x!+z!@210"])
    }

    @Test func filtersPassOnThatNothingCameOfNothing() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: .versioned("rows", history: .milliseconds(100)))
                .filter { _, value in value != "no" }
                .toStream().to("out")
        }
        // The old value is that of the latest row, not of the row before: it cannot tell that a tombstone is not needed.
        try run.pipe([("a", "no", 200), ("a", "yes", 150)])
        #expect(try run.read() == ["a=nil@200", "a=yes@150"])
    }

    @Test func theChangelogKeepsEveryVersionForAsLongAsTheHistory() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: .versioned("rows", history: .milliseconds(100))).toStream().to("out")
        }
        try run.pipe([("a", "new", 200), ("a", "old", 150), ("a", nil, 160), ("a", "refused", 10)])
        let logged = run.driver.writtenRecords(of: "test-rows-changelog")
        #expect(logged.map(\.timestamp) == [200, 150, 160, 10])
        #expect(logged.map { $0.value.map { String(decoding: $0, as: UTF8.self) } } == ["new", "old", nil, "refused"])
    }

    @Test func aNegativeHistoryIsRefused() {
        let builder = StreamsBuilder()
        let table: KTable<String, String> = builder.table("in", in: .versioned("rows", history: .milliseconds(-1)))
        table.toStream().to("out")
        #expect(throws: MillraceError.self) { try builder.build() }
    }
}
