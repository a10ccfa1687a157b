import Millrace
import MillraceTestKit
import Testing

/// Stores that are filled from topics which others write: read-only stores and global stores.
@Suite struct ReadOnlyStoreTests {
    /// Sends the row that a store has for each record's key.
    private final class LookUp: FixedKeyProcessor {
        private let context: FixedKeyProcessorContext<String, String>
        private let rows: KeyValueStore<String, String>

        init(_ context: FixedKeyProcessorContext<String, String>, _ store: String) throws {
            self.context = context
            rows = try context.store(store)
        }

        func process(_ record: FixedKeyRecord<String, String>) throws {
            try context.forward(record.with(value: record.value + ":" + (try rows.get(record.key) ?? "none")))
        }
    }

    /// Keeps the values it gets, in upper case.
    private final class KeepUppercase: Processor {
        private let rows: KeyValueStore<String, String>

        init(_ context: ProcessorContext<Never, Never>) throws { rows = try context.store("names") }

        func process(_ record: Record<String, String?>) throws { try rows.put(record.key, record.value?.uppercased()) }
    }

    private static func lookUpLimits(_ builder: StreamsBuilder) {
        builder.addReadOnlyStore("limits", from: "limits", key: .string, value: .string)
        builder.stream("payments", key: .string, value: .string).processValues(connecting: ["limits"]) { try LookUp($0, "limits") }
            .to("out")
    }

    @Test func itsTopicIsItsChangelog() throws {
        let run = try TableRun { builder in
            builder.addReadOnlyStore("limits", from: "limits", key: .string, value: .string)
            builder.stream("in", key: .string, value: .string).processValues(connecting: ["limits"]) { try LookUp($0, "limits") }.to("out")
        }
        try run.pipe([("a", "10", 1), ("b", "20", 1), ("b", nil, 2), (nil, "lost", 3)], to: "limits")
        try run.pipe([("a", "x", 5), ("b", "y", 6)])
        #expect(try run.read() == ["a=x:10@5", "b=y:none@6"])
        #expect(run.driver.droppedRecords == [.nullKey: 1])
        #expect(run.driver.writtenTopics(includingInternal: true) == ["out"])
    }

    @Test func itIsThereAgainWhenTheStateIsLost() async throws {
        let app = try AppOnDisk(topics: ["limits": 2, "payments": 2, "out": 1])
        try app.write((0..<20).map { ("k\($0)", "limit \($0)", 1) }, to: "limits")
        try app.write([("k3", "first", 5)], to: "payments")
        try await app.run(Self.lookUpLimits)
        #expect(try app.read("out") == ["k3=first:limit 3"])
        try app.removeState()
        try app.write([("k4", "second", 6), ("k5", "third", 6)], to: "payments")
        try await app.run(Self.lookUpLimits)
        #expect(try Set(app.read("out").dropFirst()) == ["k4=second:limit 4", "k5=third:limit 5"])
        #expect(try app.log.describeTopic("app-limits-changelog") == nil)
    }

    @Test(arguments: [false, true]) func aRestoreDoesNotLookAhead(losesState: Bool) async throws {
        let app = try AppOnDisk(topics: ["limits": 1, "payments": 1, "out": 1])
        try app.write([("k", "old", 1)], to: "limits")
        try await app.run(Self.lookUpLimits)
        if losesState { try app.removeState() }
        try app.write([("k", "new", 10)], to: "limits")
        try app.write([("k", "before", 5), ("k", "after", 15)], to: "payments")
        try await app.run(Self.lookUpLimits)
        #expect(try app.read("out") == ["k=before:old", "k=after:new"])
    }

    @Test func fewerPartitionsThanTasksAreAnError() async throws {
        let app = try AppOnDisk(topics: ["limits": 1, "payments": 3, "out": 1])
        let error = await #expect(throws: MillraceError.self) { try await app.run(Self.lookUpLimits) }
        #expect(error?.message.contains("Store limits is filled from topic limits, which has 1 partitions, but 3 tasks use it") == true)
    }

    @Test func aStoreWithoutANameIsAnError() throws {
        let builder = StreamsBuilder()
        builder.addReadOnlyStore(.inMemory(), from: "limits", key: .string, value: .string)
        #expect(throws: MillraceError.self) { try builder.build() }
    }

    @Test func everyTaskOfAnAppReadsAGlobalStoreThatAProcessorFills() async throws {
        let app = try AppOnDisk(topics: ["names": 3, "in": 2, "out": 1])
        func lookUpNames(_ builder: StreamsBuilder) {
            builder.addGlobalStore(
                .keyValue(.inMemory("names"), key: .string, value: .string), from: "names", key: .string, value: Serde.string.optional
            ) { try KeepUppercase($0) }
            builder.stream("in", key: .string, value: .string).processValues { try LookUp($0, "names") }.to("out")
        }
        try app.write((0..<20).map { ("k\($0)", "name \($0)", 1) }, to: "names")
        try app.write((0..<20).map { ("k\($0)", "x", 1) }, to: "in")
        try await app.run(lookUpNames)
        #expect(try Set(app.read("out")) == Set((0..<20).map { "k\($0)=x:NAME \($0)" }))
        try app.write([("k1", nil, 2)], to: "names")
        try app.write([("k1", "y", 2), ("k2", "y", 2)], to: "in")
        try await app.run(lookUpNames)
        #expect(try Set(app.read("out").suffix(2)) == ["k1=y:none", "k2=y:NAME 2"])
    }
}
