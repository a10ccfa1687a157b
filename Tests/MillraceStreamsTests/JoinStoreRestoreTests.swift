import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

/// The stores of joins come back from their changelogs as they were.
@Suite struct JoinStoreRestoreTests {
    private static func graceRun() throws -> TableRun {
        try TableRun { builder in
            let table: KTable<String, String> = builder.table("table", in: .versioned("rows", history: .seconds(60)))
            builder.stream("in", key: Serde.string, value: Serde.string)
                .leftJoin(table, grace: .milliseconds(100), named: "j") { $0 + ($1 ?? "-") }.to("out")
        }
    }

    private func restore(_ store: some StateStore, from records: [WrittenRecord]) throws {
        for record in records {
            try (record.key ?? []).withUnsafeBytes { key in
                if let value = record.value {
                    try value.withUnsafeBytes {
                        try store.restore(key: key, value: $0, timestamp: record.timestamp, headers: record.headers, batch: nil)
                    }
                } else {
                    try store.restore(key: key, value: nil, timestamp: record.timestamp, headers: record.headers, batch: nil)
                }
            }
        }
    }

    @Test func heldRecordsAreReleasedAfterARestart() throws {
        let before = try Self.graceRun()
        try before.driver.input("in", key: .string, value: Serde.string).pipe(
            "a", "1", at: 1000, headers: [Header("h", [1]), Header("n", nil)])
        try before.pipe([("b", "2", 1000), ("a", "gone", 10), ("c", "3", 1050)])
        #expect(try before.read() == ["a=gone-@10"])

        let after = try Self.graceRun()
        let buffer: GraceBuffer<String, String> = try after.driver.store("j-Buffer")
        try restore(buffer, from: before.driver.writtenRecords(of: "test-j-Buffer-changelog"))
        // The same time and key as a record of before.
        try after.pipe([("a", "4", 1000), ("d", "late", 949)])
        #expect(try after.read() == ["d=late-@949"])
        try after.pipe([("e", "5", 1100)])
        #expect(try after.read() == ["a=1-@1000", "a=4-@1000", "b=2-@1000"])
        #expect(after.driver.writtenRecords(of: "out")[1].headers == [Header("h", [1]), Header("n", nil)])
    }

    @Test func damagedRowsOfABufferAreErrors() throws {
        let before = try Self.graceRun()
        try before.driver.input("in", key: .string, value: Serde.string).pipe("a", "1", at: 1000, headers: [Header("h", [1])])
        let row = try #require(before.driver.writtenRecords(of: "test-j-Buffer-changelog").first)
        let value = try #require(row.value)
        // The buffer time at the end is not needed.
        for length in 0..<value.count - 8 {
            var cut = row
            cut.value = Array(value.prefix(length))
            let buffer: GraceBuffer<String, String> = try Self.graceRun().driver.store("j-Buffer")
            #expect(throws: MillraceError.self) { try restore(buffer, from: [cut]) }
        }
    }

    @Test func subscriptionsAreAnsweredAfterARestart() throws {
        func run() throws -> TableRun {
            try TableRun { builder in
                let left: KTable<String, String> = builder.table("in", in: "left")
                let right: KTable<String, String> = builder.table("right")
                left.join(right, foreignKey: { $1 }, named: "j") { $0 + $1 }.toStream().to("out")
            }
        }
        let before = try run()
        try before.pipe([("k", "R", 1), ("l", "R", 2), ("m", "R", 3), ("l", nil, 4)])

        let after = try run()
        let subscriptions: SubscriptionStore<String, String> = try after.driver.store("j-subscription-store")
        try restore(subscriptions, from: before.driver.writtenRecords(of: "test-j-subscription-store-changelog"))
        let rows: KeyValueStore<String, String> = try after.driver.store("left")
        try restore(rows, from: before.driver.writtenRecords(of: "test-left-changelog"))
        try after.pipe([("R", "v", 5)], to: "right")
        #expect(try after.read() == ["k=Rv@5", "m=Rv@5"])
    }
}
