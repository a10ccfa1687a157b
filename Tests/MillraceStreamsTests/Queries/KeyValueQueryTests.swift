import Millrace
import Testing

@testable import MillraceStreams

@Suite struct KeyValueQueryTests {
    private static let names = ["alice", "alan", "bob", "carol", "dave", "eve", "al", "älva"]

    private func counting(_ kind: Materialized.Kind = .persistent, threads: Int = 2) async throws -> (AppOnDisk, RunningApp) {
        let disk = try AppOnDisk(topics: ["in": 4])
        let records = Self.names.enumerated().flatMap { index, name in
            (0...index).map { (key: name, value: String?("x"), time: Timestamp(milliseconds: Int64($0))) }
        }
        try disk.write(records, to: "in")
        let app = try await RunningApp(disk, configure: { $0.threads = threads }) { builder in
            builder.stream("in", key: .string, value: .string).groupByKey().count(in: Materialized("counts", kind: kind))
        }
        try await app.process(records.count)
        return (disk, app)
    }

    @Test(arguments: [Materialized.Kind.persistent, .inMemory]) func readsPartitionsAsOne(kind: Materialized.Kind) async throws {
        let (disk, running) = try await counting(kind)
        let counts = try running.app.store(.keyValue("counts", key: String.self, value: Int64.self))
        for (index, name) in Self.names.enumerated() { #expect(try await counts[name] == Int64(index + 1)) }
        #expect(try await counts["nobody"] == nil)
        #expect(try await counts.row("bob") == StoredRow(key: "bob", value: 3, timestamp: 2))
        let sorted = Self.names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try await counts.all().map(\.key) == sorted)
        #expect(try await counts.all(reversed: true, limit: 3).map(\.key) == Array(sorted.reversed().prefix(3)))
        #expect(try await counts.all(limit: 0).isEmpty)
        #expect(try await counts.range(from: "alan", to: "bob").map(\.key) == ["alan", "alice", "bob"])
        #expect(try await counts.range(from: "alan", to: "bob", reversed: true, limit: 2).map(\.key) == ["bob", "alice"])
        #expect(try await counts.range(from: "z").map(\.key) == ["älva"])
        #expect(try await counts.range(from: "b", to: "a").isEmpty)
        #expect(try await counts.prefixScan("al").map(\.key) == ["al", "alan", "alice"])
        #expect(try await counts.approximateCount() == Self.names.count)
        var walked: [String] = []
        for try await row in counts.rows(from: "alan", reversed: true) { walked.append(row.key) }
        #expect(walked == sorted.reversed().filter { $0 != "al" })
        try await running.stop()
        withExtendedLifetime(disk) {}
    }

    @Test func saysWhatThereIs() async throws {
        let (disk, running) = try await counting()
        func message<Reader>(_ store: QueryableStore<Reader>) -> String {
            do {
                _ = try running.app.store(store)
                return ""
            } catch { return "\(error)" }
        }
        let known = #".keyValue("counts", key: String.self, value: Int64.self)"#
        #expect(message(.keyValue("count", key: String.self, value: Int64.self)).contains("There are \(known)."))
        #expect(message(.keyValue("counts", key: String.self, value: Int.self)).contains("it is \(known)"))
        #expect(message(.window("counts", key: String.self, value: Int64.self)).contains("it is \(known)"))
        try await running.stop()
        withExtendedLifetime(disk) {}
    }

    @Test func throwsWhenTheAppDoesNotRun() async throws {
        let disk = try AppOnDisk(topics: ["in": 1])
        let builder = StreamsBuilder()
        builder.table("in", key: .string, value: .string, in: "rows")
        let app = StreamsApp(try builder.build(), on: disk.backend, configuration: .init(applicationID: "app"))
        let rows = try app.store(.keyValue("rows", key: String.self, value: String.self))
        let early = await #expect(throws: MillraceError.self) { try await rows["a"] }
        #expect(early?.kind == .store)
        #expect(early?.isRetriable == true)
        app.shutDownWhenIdle()
        try await app.run()
        let late = await #expect(throws: MillraceError.self) { try await rows["a"] }
        #expect(late?.isRetriable == false)
    }

    @Test func readsPartitionsOneByOne() async throws {
        let (disk, running) = try await counting()
        var all: [String] = []
        for partition in Int32(0)..<4 {
            let counts = try running.app.store(.keyValue("counts", key: String.self, value: Int64.self), partitions: .only(partition))
            all += try await counts.all().map(\.key)
        }
        #expect(all.sorted() == Self.names.sorted())
        let local = try running.app.store(.keyValue("counts", key: String.self, value: Int64.self), partitions: .local)
        #expect(try await local.all().count == Self.names.count)
        let none = try running.app.store(.keyValue("counts", key: String.self, value: Int64.self), partitions: .only(4))
        await #expect(throws: MillraceError.self) { try await none.all() }
        try await running.stop()
        withExtendedLifetime(disk) {}
    }

    @Test func findsKeysThatAPartitionerPlaced() async throws {
        let disk = try AppOnDisk(topics: ["in": 1])
        try disk.write(Self.names.map { ($0, "x", 0) }, to: "in")
        let running = try await RunningApp(disk) { builder in
            builder.stream("in", key: .string, value: .string)
                .repartition(named: "by-length", partitions: 3, partitioner: { key, _, count in Int32(key.utf8.count) % count })
                .groupByKey().count(in: "counts")
        }
        try await running.process(2 * Self.names.count)
        let automatic = try running.app.store(.keyValue("counts", key: String.self, value: Int64.self))
        let chosen = try running.app.store(
            .keyValue("counts", key: String.self, value: Int64.self, placing: .chosen { key, count in Int32(key.utf8.count) % count }))
        for name in Self.names {
            #expect(try await automatic[name] == 1)
            #expect(try await chosen[name] == 1)
        }
        try await running.stop()
        withExtendedLifetime(disk) {}
    }

    @Test func readsGlobalTablesAndOtherStores() async throws {
        let disk = try AppOnDisk(topics: ["in": 2, "rates": 3])
        try disk.write([("EUR", "1.1", 5), ("GBP", "1.3", 6)], to: "rates")
        try disk.write([("a", "1", 0), ("a", "2", 10), ("b", "3", 0)], to: "in")
        let running = try await RunningApp(disk, configure: { $0.threads = 2 }) { builder in
            builder.globalTable("rates", key: .string, value: .string, in: "rates")
            builder.table("in", key: .string, value: .string, in: .versioned("history", history: .seconds(60)))
        }
        try await running.process(3)
        let rates = try running.app.store(.keyValue("rates", key: String.self, value: String.self))
        #expect(try await rates["EUR"] == "1.1")
        #expect(try await rates.all().map(\.key) == ["EUR", "GBP"])
        let history = try running.app.store(.versioned("history", key: String.self, value: String.self))
        #expect(try await history.get("a")?.value == "2")
        #expect(try await history.get("a", asOf: 9)?.value == "1")
        #expect(try await history.get("b", asOf: -1) == nil)
        #expect(try await history.range().map(\.value) == ["2", "3"])
        // A global table goes on while the app is paused.
        running.app.pause()
        try disk.write([("EUR", "1.2", 7)], to: "rates")
        while try await rates["EUR"] == "1.1" { await Task.yield() }
        #expect(try await rates["EUR"] == "1.2")
        try await running.stop()
    }
}
