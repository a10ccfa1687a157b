import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct ForeignKeyJoinTests {
    /// A join of rows of topic `in` with the row of topic `shops` that their value begins with, up to a colon.
    private func run(keepsUnmatched: Bool) throws -> TableRun {
        let foreignKey: @Sendable (String, String) -> String? = { _, value in
            value.isEmpty ? nil : String(value.prefix { $0 != ":" })
        }
        return try TableRun { builder in
            let left: KTable<String, String> = builder.table("in")
            let right: KTable<String, String> = builder.table("shops")
            let joined =
                keepsUnmatched
                ? left.leftJoin(right, foreignKey: foreignKey, in: "joined", named: "j") { "\($0)+\($1 ?? "-")" }
                : left.join(right, foreignKey: foreignKey, in: "joined", named: "j") { "\($0)+\($1)" }
            joined.toStream().to("out")
        }
    }

    @Test func aChangeOfEitherTableChangesTheResult() throws {
        let run = try run(keepsUnmatched: false)
        try run.pipe([("S", "v", 1)], to: "shops")
        try run.pipe([("k1", "S:1", 10), ("k2", "T:2", 20), ("k3", "S:3", 5)])
        #expect(try run.read() == ["k1=S:1+v@10", "k3=S:3+v@5"])
        // In the order of the left rows' keys.
        try run.pipe([("S", "w", 30)], to: "shops")
        #expect(try run.read() == ["k1=S:1+w@30", "k3=S:3+w@30"])
        try run.pipe([("S", nil, 40)], to: "shops")
        #expect(try run.read() == ["k1=nil@40", "k3=nil@40"])
        #expect(try run.driver.keyValueStore("joined", key: String.self, value: String.self).all().isEmpty)
    }

    @Test func aChangedForeignKeyTakesTheOldResultBack() throws {
        let run = try run(keepsUnmatched: false)
        try run.pipe([("S", "v", 1), ("T", "w", 2)], to: "shops")
        try run.pipe([
            ("k", "S:1", 10), ("k", "T:2", 11), ("k", "U:3", 12), ("k", "S:4", 13), ("k", "", 14), ("k", "S:5", 15), ("k", nil, 16),
        ])
        #expect(try run.read() == ["k=S:1+v@10", "k=T:2+w@11", "k=nil@12", "k=S:4+v@13", "k=nil@14", "k=S:5+v@15", "k=nil@16"])
        // Nobody points at it any more.
        try run.pipe([("S", "x", 50)], to: "shops")
        #expect(try run.read().isEmpty)
    }

    @Test func leftJoinsKeepRowsThatPointAtNothing() throws {
        let run = try run(keepsUnmatched: true)
        try run.pipe([("k", "S:1", 10), ("k", "", 11)])
        #expect(try run.read() == ["k=S:1+-@10", "k=+-@11"])
        try run.pipe([("S", "v", 1)], to: "shops")
        #expect(try run.read().isEmpty)
        try run.pipe([("k", nil, 12)])
        #expect(try run.read() == ["k=nil@12"])
    }

    @Test func foreignKeysThatBeginAlikeAreNotMixedUp() throws {
        let run = try run(keepsUnmatched: false)
        try run.pipe([("k", "S:1", 1), ("l", "SS:2", 2), ("Sk", "S:3", 3)])
        try run.pipe([("S", "v", 4)], to: "shops")
        #expect(try run.read() == ["Sk=S:3+v@4", "k=S:1+v@4"])
        try run.pipe([("SS", "w", 5)], to: "shops")
        #expect(try run.read() == ["l=SS:2+w@5"])
    }

    @Test func bothTopicsAndTheStoreHaveKafkasBytes() throws {
        let run = try run(keepsUnmatched: false)
        try run.pipe([("R", "v", 1)], to: "shops")
        try run.pipe([("k1", "R:1", 10), ("k1", nil, 11)])
        let hash: [UInt8] = [0xc0, 0x04, 0xe2, 0x3e, 0x91, 0x03, 0x82, 0x19, 0x7a, 0xf0, 0xd3, 0x5d, 0x20, 0x8a, 0x0a, 0x81]
        let subscribed = [1, 3] + hash + Array("k1".utf8) + [0, 0, 0, 0]
        let subscriptions = run.driver.writtenRecords(of: "test-j-subscription-registration-topic")
        #expect(subscriptions.map(\.key) == [Array("R".utf8), Array("R".utf8)])
        #expect(subscriptions.map(\.value) == [subscribed, [0x81, 1] + Array("k1".utf8) + [0, 0, 0, 0]])
        let answers = run.driver.writtenRecords(of: "test-j-subscription-response-topic")
        #expect(answers.map(\.key) == [Array("k1".utf8), Array("k1".utf8)])
        #expect(answers.map(\.value) == [[0] + hash + Array("v".utf8), [0x80]])
        let rows = run.driver.writtenRecords(of: "test-j-subscription-store-changelog")
        #expect(rows.map(\.key) == [[0, 0, 0, 1] + Array("Rk1".utf8), [0, 0, 0, 1] + Array("Rk1".utf8)])
        #expect(rows.map(\.value) == [subscribed, nil])
    }

    @Test(arguments: [[], [0, 1, 2], [0x81], [7]] as [[UInt8]])
    func damagedAnswersAreErrorsAndNotCrashes(_ damaged: [UInt8]) throws {
        let run = try run(keepsUnmatched: false)
        let raw = run.driver.input("test-j-subscription-response-topic", key: .bytes, value: Serde.bytes)
        #expect(throws: MillraceError.self) { try raw.pipe(Array("k".utf8), damaged, at: 1) }
    }

    @Test(arguments: [[], [1], [1, 3, 0], [0x81, 9], [0x81, 3, 0], [0x82, 3, 0, 0, 0, 0]] as [[UInt8]])
    func damagedSubscriptionsAreErrorsAndNotCrashes(_ damaged: [UInt8]) throws {
        let run = try run(keepsUnmatched: false)
        let raw = run.driver.input("test-j-subscription-registration-topic", key: .bytes, value: Serde.bytes)
        #expect(throws: MillraceError.self) { try raw.pipe(Array("R".utf8), damaged, at: 1) }
    }
}
