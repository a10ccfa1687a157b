import Millrace
import MillraceTestKit
import Testing

@testable import MillraceStreams

@Suite struct TimeToLiveTests {
    /// Puts, removes and reads keys as its records say, and writes what it finds.
    private final class Keeper: Processor {
        private let store: KeyValueStore<String, String>
        private let context: ProcessorContext<String, String>

        init(_ context: ProcessorContext<String, String>) throws {
            self.context = context
            store = try context.store("kept")
        }

        func process(_ record: Record<String, String?>) throws {
            let found = try store.get(record.key) ?? "-"
            let all = try store.all().map { "\($0.key)\($0.value)" }.joined(separator: ",")
            try context.forward(Record(key: record.key, value: "\(found) of \(all)", timestamp: context.streamTime))
            if record.value == "?" { return }
            if record.value == "!" {
                #expect(try store.putIfAbsent(record.key, "!") ?? "-" == found)
            } else if record.value == nil {
                #expect(try store.delete(record.key) ?? "-" == found)
            } else {
                try store.put(record.key, record.value)
            }
        }
    }

    private func keeping(_ builder: StreamsBuilder, for time: Duration, _ kind: Materialized.Kind = .persistent) {
        builder.addStore(.keyValue(Materialized("kept", kind: kind, timeToLive: time), key: .string, value: .string))
        builder.stream("in", key: .string, value: Serde.string.optional).process(connecting: ["kept"]) { try Keeper($0) }
            .to("out", key: .string, value: .string)
    }

    /// Against a model that keeps all rows and looks at their times.
    @Test(arguments: 0..<6) func findsWhatAModelFinds(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed + 1)
        let length: Int64 = [1, 7, 16, 100, 1000, 33][Int(seed)]
        let run = try TableRun { keeping($0, for: .milliseconds(length)) }
        var model: [String: (value: String, time: Int64)] = [:]
        var streamTime: Int64 = 0
        var expected: [String] = []
        for number in 0..<400 {
            let key = "k\(numbers.next() % 12)"
            let time = max(0, streamTime + Int64(numbers.next() % 12) - 4 + (numbers.next() % 50 == 0 ? length * 2 : 0))
            let value: String? = [nil, "?", "!", "\(number)", "\(number)", "\(number)"][Int(numbers.next() % 6)]
            streamTime = max(streamTime, time)
            let alive = model.filter { $0.value.time + length > streamTime }
            let all = alive.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\($0)\(alive[$0]?.value ?? "")" }
            expected.append("\(key)=\(alive[key]?.value ?? "-") of \(all.joined(separator: ","))@\(streamTime)")
            if value == nil {
                model[key] = nil
            } else if value != "?", value != "!" || alive[key] == nil {
                model[key] = (value ?? "", time)
            }
            try run.pipe([(key, value, Timestamp(milliseconds: time))])
        }
        #expect(try run.read() == expected)
        // Long after, nothing is left, neither in the store nor, once it is compacted, in the changelog.
        for step in 1...40 { try run.pipe([("other", nil, Timestamp(milliseconds: streamTime + length * Int64(step)))]) }
        let store: KeyValueStore<String, String> = try run.driver.keyValueStore("kept")
        var physical = 0
        try store.overlay.forEach(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil) { _, _ in
            physical += 1
            return true
        }
        #expect(physical == 0)
        var last: [[UInt8]: [UInt8]?] = [:]
        for record in run.driver.writtenRecords(of: "test-kept-changelog") { last[record.key ?? []] = record.value }
        #expect(last.values.allSatisfy { $0 == nil })
    }

    @Test func tablesTellOfRowsThatGo() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: Materialized("rows", timeToLive: .milliseconds(16)))
                .toStream().to("out", key: .string, value: Serde.string.optional)
        }
        try run.pipe([("a", "1", 0), ("b", "1", 10), ("a", "2", 12), ("c", "1", 27)])
        // `b` is over at 26, and `a` at 28, as the record that moves time is processed.
        #expect(try run.read() == ["a=1@0", "b=1@10", "a=2@12", "c=1@27", "b=nil@26"])
        try run.pipe([("c", "2", 28)])
        #expect(try run.read() == ["c=2@28", "a=nil@28"])
    }

    @Test func aggregationsStartAgain() throws {
        let run = try TableRun { builder in
            let counts = builder.stream("in", key: .string, value: .string).groupByKey()
                .count(in: Materialized("counts", timeToLive: .milliseconds(100)))
            counts.toStream().mapValues { $0.map(String.init) }.to("out", key: .string, value: Serde.string.optional)
        }
        try run.pipe([("a", "x", 0), ("a", "x", 50), ("a", "x", 149), ("a", "x", 249), ("b", "x", 300), ("b", "x", 1000)])
        #expect(try run.read() == ["a=1@0", "a=2@50", "a=3@149", "a=1@249", "b=1@300", "b=1@1000", "a=nil@349"])
    }

    /// What is aggregated from a table with a time to live loses the rows that go, each once.
    @Test func thoseBehindAreToldEachRowOnce() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: Materialized("rows", timeToLive: .milliseconds(16)))
                .groupBy(key: .string, value: .string) { key, value in (value, key) }
                .count(in: "by-value").toStream().mapValues { $0.map(String.init) }.to("out", key: .string, value: Serde.string.optional)
        }
        try run.pipe([("a", "x", 0), ("b", "x", 0), ("c", "x", 0), ("d", "y", 40)])
        #expect(try run.read().last { $0.hasPrefix("x") } == "x=0@16")
        // The row that comes back is not taken away twice: it had been over, but not yet removed, when it came.
        try run.pipe([("a", "x", 50), ("a", "x", 66), ("a", "x", 67)])
        #expect(try run.read().last { $0.hasPrefix("x") } == "x=1@67")
        try run.pipe([("d", "y", 200)])
        #expect(try run.read().last { $0.hasPrefix("x") } == "x=0@83")
    }

    @Test(arguments: [Materialized.Kind.persistent, .inMemory], [false, true])
    func survivesRestarts(kind: Materialized.Kind, losesState: Bool) async throws {
        let disk = try AppOnDisk(topics: ["in": 1, "out": 1])
        try disk.write((0..<20).map { ("k\($0)", "v", Timestamp(milliseconds: Int64($0) * 10)) }, to: "in")
        func run() async throws { try await disk.run { keeping($0, for: .milliseconds(100), kind) } }
        try await run()
        if losesState { try disk.removeState() }
        // Time is known at once: rows that were over are, before another record comes. Those from 100 on are not.
        try disk.write([("k12", "?", 5)], to: "in")
        try await run()
        let alive = (10..<20).map { "k\($0)v" }.joined(separator: ",")
        #expect(try disk.read("out").last == "k12=v of \(alive)")
        try disk.write([("k19", "v", 280), ("k0", "?", 400), ("k0", "?", 401)], to: "in")
        try await run()
        #expect(try disk.read("out").last == "k0=- of ")
        var last: [Substring: Substring] = [:]
        for change in try disk.read("app-kept-changelog") {
            let parts = change.split(separator: "=")
            last[parts[0]] = parts[1]
        }
        #expect(last.count == 20 && last.values.allSatisfy { $0 == "nil" })
    }

    /// Giving a store a time to live, or taking it away, keeps its rows.
    @Test func comesAndGoesOverTheSameDirectory() async throws {
        let disk = try AppOnDisk(topics: ["in": 1])
        try disk.write([("a", "1", 0), ("b", "1", 1000)], to: "in")
        func rows(_ timeToLive: Duration?, _ more: [(key: String, value: String?, time: Timestamp)] = []) async throws -> [String] {
            try disk.write(more, to: "in")
            let running = try await RunningApp(disk) {
                $0.table("in", key: .string, value: .string, in: Materialized("rows", timeToLive: timeToLive))
            }
            while try await running.app.store(.keyValue("rows", key: String.self, value: String.self))
                .all().count < (timeToLive == nil ? 2 : 1)
            { await Task.yield() }
            try await running.process(more.count)
            let rows = try await running.app.store(.keyValue("rows", key: String.self, value: String.self)).all()
            try await running.stop()
            return rows.map { "\($0.key)\($0.value)" }
        }
        #expect(try await rows(nil) == ["a1", "b1"])
        #expect(try await rows(.milliseconds(500)) == ["b1"])
        #expect(try await rows(.milliseconds(500), [("c", "1", 1400)]) == ["b1", "c1"])
        #expect(try await rows(nil, [("d", "1", 5000)]) == ["b1", "c1", "d1"])
    }

    @Test func isRefusedWhereItCannotBeKept() throws {
        func message(_ describe: (StreamsBuilder) -> Void) throws -> String {
            let builder = StreamsBuilder()
            describe(builder)
            do {
                _ = try TopologyTestDriver(builder.build())
                return ""
            } catch { return "\(error)" }
        }
        let mortal = Materialized("rows", timeToLive: .seconds(1))
        #expect(try message { $0.globalTable("in", key: .string, value: .string, in: mortal) }.contains("cannot have a time to live"))
        #expect(
            try message { _ = $0.table("in", key: .string, value: .string).filter(in: mortal) { _, _ in true } }.contains(
                "cannot have a time to live"))
        #expect(
            try message {
                $0.stream("in", key: .string, value: .string).groupByKey().windowedBy(.tumbling(size: .seconds(1))).count(in: mortal)
            }.contains("cannot have a time to live"))
        var versioned = Materialized.versioned("rows", history: .seconds(1))
        versioned.timeToLive = .seconds(1)
        #expect(try message { $0.table("in", key: .string, value: .string, in: versioned) }.contains("keeps its history"))
        #expect(
            try message { $0.table("in", key: .string, value: .string, in: Materialized("rows", timeToLive: .zero)) }.contains(
                "a millisecond"))
    }

    /// Rows that stay are not looked at, whatever their number.
    @Test func looksAtDueRowsOnly() throws {
        let collector = RecordCollector(NoTopics())
        let task = TaskContext(
            id: TaskID(subtopology: 0, partition: 0), applicationID: "app", now: 0, logger: .silent, collector: collector)
        let lifetime = try TimeToLive(1600, backing: nil, task: task)
        func note(_ key: Int, at time: Int64) { withUnsafeBytes(of: key) { lifetime.note($0, Timestamp(milliseconds: time), old: .none) } }
        for key in 0..<1000 { note(key, at: 0) }
        for key in 1000..<50_000 { note(key, at: 1000) }
        var visits = 0
        func sweep(_ now: Int64) throws {
            try lifetime.sweep(now: now) { _ in
                visits += 1
                return nil
            }
        }
        for now in stride(from: Int64(0), through: 1698, by: 1) { try sweep(now) }
        #expect(visits == 0)
        for now in Int64(1699)..<2698 { try sweep(now) }
        #expect(visits == 1000)
        // What is due all at once goes in steps.
        try sweep(2699)
        #expect(visits == 1000 + TimeToLive.sweepLimit)
        for now in Int64(2700)..<2720 { try sweep(now) }
        #expect(visits == 50_000)
    }

    /// What goes when, and in which order, is the same with restarts in between, also where a sweep had to stop in the middle of a slot.
    @Test func sweepsGoOnAfterARestart() throws {
        let task = TaskContext(
            id: TaskID(subtopology: 0, partition: 0), applicationID: "app", now: 0, logger: .silent, collector: RecordCollector(NoTopics()))
        func visited(on disk: MemoryByteStore?) throws -> [[Int]] {
            let backing = disk.map { Backing(store: $0, prefix: [7]) }
            var lifetime = try TimeToLive(1600, backing: backing, task: task)
            for key in 0..<10_000 {
                withUnsafeBytes(of: (key * 7919 % 10_007).bigEndian) {
                    lifetime.note($0, Timestamp(milliseconds: Int64(key % 150)), old: .none)
                }
            }
            var visits: [[Int]] = []
            for now in Int64(1690)..<1900 {
                var keys: [Int] = []
                try lifetime.sweep(now: now) { key in
                    keys.append(key.loadBigEndian())
                    // Some were written again since.
                    return key[7] == 0 && now < 1800 ? Timestamp(milliseconds: 200) : nil
                }
                if !keys.isEmpty { visits.append(keys) }
                guard let disk, now % 3 == 0 else { continue }
                let batch = disk.makeBatch()
                try lifetime.commit(batch: batch)
                try disk.write(batch)
                lifetime = try TimeToLive(1600, backing: backing, task: task)
            }
            return visits
        }
        let inMemory = try visited(on: nil)
        #expect(inMemory.joined().count == 10_000 + (0..<10_000).count { ($0 * 7919 % 10_007) % 256 == 0 })
        #expect(inMemory.first?.count == TimeToLive.sweepLimit)
        #expect(try visited(on: MemoryByteStore()) == inMemory)
    }

    private final class NoTopics: TopicDirectory {
        func partitionCount(of topic: String) -> Int32 { 1 }
    }
}
