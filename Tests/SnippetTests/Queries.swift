import Foundation
import Millrace
import MillraceTestKit
import Testing

// docs/queries.md and docs/stores.md, block by block.

struct FeeWithoutCurrency: Codable, Sendable {
    var cents: Int64
}

struct Fee: Codable, Sendable, Equatable {
    var cents: Int64
    var currency: String
}

@Suite struct QueryPageTests {
    @Test func readsACount() async throws {
        let directory = NSTemporaryDirectory() + "millrace-queries-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let backend = try StreamsBackend.embedded(at: directory)
        try backend.transport.createTopic(TopicSpecification("words", partitions: 2))
        let words = try Producer<String, String>(to: "words", on: backend)
        for word in ["to", "be", "or", "not", "to", "be"] { try words.send(word, word, at: 0) }
        try words.commit()
        let builder = StreamsBuilder()
        builder.stream("words", key: .string, value: .string).groupByKey().count(in: "counts")
        let app = StreamsApp(try builder.build(), on: backend, configuration: .init(applicationID: "queries"))
        let run = Task { try await app.run() }
        while app.processedRecords < 6 { try await Task.sleep(for: .milliseconds(1)) }

        let counts = try app.store(.keyValue("counts", key: String.self, value: Int64.self))
        let be = try await counts["be"]
        let first = try await counts.range(from: "a", to: "m", limit: 10)
        let beginning = try await counts.prefixScan("b")

        #expect(be == 2)
        #expect(first.map(\.key) == ["be"])
        #expect(beginning == first)
        for try await row in counts.rows(from: "a") {
            print(row.key, row.value, row.timestamp)
        }
        let following = Task {
            for try await change in try await counts.changes(startingWithRows: true) {
                print(change.key, change.old ?? 0, change.new ?? 0, change.timestamp)
            }
        }
        app.shutDown()
        try await run.value
        // It may have been told too late that there is an app.
        _ = await following.result
    }
}

@Suite struct StorePageTests {
    @Test func forgets() throws {
        let builder = StreamsBuilder()
        builder.stream("sightings", key: .string, value: .string)
            .groupByKey()
            .count(in: Materialized("sightings-per-user", timeToLive: .seconds(86_400)))
        let driver = try TopologyTestDriver(try builder.build())
        let sightings = driver.input("sightings", key: .string, value: .string)
        let counts: KeyValueStore<String, Int64> = try driver.keyValueStore("sightings-per-user")
        try sightings.pipe("ada", "here", at: 0)
        try sightings.pipe("ada", "there", at: 1)
        #expect(try counts.get("ada") == 2)
        try sightings.pipe("bob", "here", at: 86_400_001)
        #expect(try counts.get("ada") == nil)
    }

    @Test func declaresAStoreOfAProcessor() {
        let stores: [StoreBuilder] = [
            .keyValue(Materialized("seen", timeToLive: .seconds(3600)), key: .string, value: .int64)
        ]
        #expect(stores.count == 1)
    }

    @Test func readsWhatWasWrittenBefore() throws {
        let fees = Serde.json(Fee.self).versioned(2, migratingFrom: .json(FeeWithoutCurrency.self)) { old in
            Fee(cents: old.cents, currency: "EUR")
        }
        let old = try Serde.json(FeeWithoutCurrency.self).bytes(of: FeeWithoutCurrency(cents: 5))
        #expect(try fees.value(of: old) == Fee(cents: 5, currency: "EUR"))
        let new = Fee(cents: 6, currency: "GBP")
        #expect(try fees.value(of: fees.bytes(of: new)) == new)
    }
}
