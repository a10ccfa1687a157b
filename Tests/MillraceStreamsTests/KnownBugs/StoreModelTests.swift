import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

/// Stores against lists that are searched from end to end, with rows in memory, on disk, and deleted in between.
///
/// Kafka Streams got such reads wrong where a cache lies above a store: KAFKA-4283, KAFKA-5172, KAFKA-5216, KAFKA-13264, KAFKA-13309, KAFKA-15302, KAFKA-18326.
@Suite struct StoreModelTests {
    private static let keys = ["a", "ab", "a\0", "", "b", "a\0\0\0\0\0\0\0\0\0\0\0\0"]
    private static let retention: Int64 = 130_000

    private static func task() -> TaskContext {
        final class NoTopics: TopicDirectory {
            func partitionCount(of topic: String) -> Int32 { 1 }
        }
        return TaskContext(
            id: TaskID(subtopology: 0, partition: 0), applicationID: "t", now: 0, logger: .silent, collector: RecordCollector(NoTopics()))
    }

    private static func segments(_ disk: MemoryByteStore) throws -> SegmentedOverlay<String> {
        try SegmentedOverlay(serde: .string, retention: retention, backing: Backing(store: disk, prefix: [7]))
    }

    /// Now and then: a commit, a commit and nothing left in memory, or a restart.
    private static func disturb<Store: StateStore>(
        _ store: Store, _ disk: MemoryByteStore, _ numbers: inout SeededNumbers, again: () throws -> Store
    ) throws -> Store {
        let sorted = Bool.random(using: &numbers)
        switch Int.random(in: 0...20, using: &numbers) {
        case 0: try store.commitChanges()
        case 1: try store.commitChanges(to: disk, sorted: sorted)
        case 2:
            try store.commitChanges(to: disk, sorted: sorted)
            store.trim(to: 0)
        case 3:
            try store.commitChanges(to: disk, sorted: sorted)
            return try again()
        default: break
        }
        return store
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func keyValues(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        let disk = MemoryByteStore()
        func make() -> KeyValueStore<String, String> {
            KeyValueStore(
                name: "s", key: .string, overlay: Overlay(serde: .string, backing: Backing(store: disk, prefix: [7])), task: Self.task())
        }
        var (store, model) = (make(), [String: String]())
        for step in 0..<300 {
            let key = try #require(Self.keys.randomElement(using: &numbers)) + "\(Int.random(in: 0...5, using: &numbers))"
            let value = Bool.random(using: &numbers) ? "\(step)" : nil
            try store.put(key, value)
            model[key] = value
            store = try Self.disturb(store, disk, &numbers, again: make)
            let (one, two) = (Self.keys.randomElement(using: &numbers) ?? "", Self.keys.randomElement(using: &numbers) ?? "")
            let bounds = [Array(one.utf8), Array(two.utf8)].sorted { $0.lexicographicallyPrecedes($1) }
            let (lower, upper) = bounds[0] == Array(one.utf8) ? (one, two) : (two, one)
            let expected = model.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
            let inRange = expected.filter {
                !Array($0.key.utf8).lexicographicallyPrecedes(bounds[0]) && !bounds[1].lexicographicallyPrecedes(Array($0.key.utf8))
            }
            #expect(try store.get(key) == value)
            #expect(try store.overlay.approximateCount() == model.count)
            #expect(try store.all().map { [$0.key, $0.value] } == expected.map { [$0.key, $0.value] })
            for reversed in [false, true] {
                var found: [[String]] = []
                try store.forEach(in: ClosedKeyRange(lower, upper), reversed: reversed) { key, value in
                    found.append([key, value])
                    return true
                }
                #expect(found == (reversed ? inRange.reversed() : inRange).map { [$0.key, $0.value] })
            }
        }
    }

    /// KAFKA-15302: whoever walks a store deletes rows that come later, of which some are on disk only.
    @Test(arguments: [false, true]) func rowsDeletedDuringAWalkAreNotMet(reversed: Bool) throws {
        let disk = MemoryByteStore()
        let store = KeyValueStore<String, String>(
            name: "s", key: .string, overlay: Overlay(serde: .string, backing: Backing(store: disk, prefix: [7])), task: Self.task())
        let letters = "abcdefghijklmnopqrstuvwxyz".map { String($0) }
        for letter in letters { try store.put(letter, "1") }
        try store.commitChanges(to: disk)
        store.trim(to: 0)
        // These are in memory again.
        for letter in ["c", "d", "k", "z"] { try store.put(letter, "2") }
        var met: [String] = []
        let order = reversed ? letters.reversed() : letters
        try store.forEach(reversed: reversed) { key, _ in
            met.append(key)
            if let next = order.firstIndex(of: key).map({ $0 + 1 }), next < order.count { try store.put(order[next], nil) }
            return true
        }
        #expect(met == order.enumerated().filter { $0.offset % 2 == 0 }.map(\.element))
        #expect(try store.all().map(\.key) == met.sorted())
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func windows(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        let disk = MemoryByteStore()
        func make() throws -> WindowStore<String, String> {
            try WindowStore(name: "s", windowSize: 10, key: .string, rows: try Self.segments(disk), task: Self.task())
        }
        var store = try make()
        var model: [String: [Int64: String]] = [:]
        var (now, observed): (Int64, Int64) = (0, -1)
        for step in 0..<400 {
            now += Int64.random(in: 0...2000, using: &numbers)
            let start = max(0, now - Int64.random(in: 0...50_000, using: &numbers)) / 10 * 10
            let key = try #require(Self.keys.randomElement(using: &numbers))
            let value = Int.random(in: 0...3, using: &numbers) > 0 ? "\(step)" : nil
            try store.put(key, value, at: Timestamp(milliseconds: start))
            observed = max(observed, start)
            model[key, default: [:]][start] = value
            store = try Self.disturb(store, disk, &numbers, again: make)
            let from = max(0, now - Int64.random(in: 0...200_000, using: &numbers))
            let range = from...(from + 60_000)
            let expected = (model[key] ?? [:]).filter { range.contains($0.key) && $0.key > observed - Self.retention }
                .sorted { $0.key < $1.key }.map { "\($0.value)@\($0.key)" }
            let times = Timestamp(milliseconds: range.lowerBound)...Timestamp(milliseconds: range.upperBound)
            #expect(try store.fetch(key, in: times).map { "\($0.value)@\($0.start.milliseconds)" } == expected)
            var backwards: [String] = []
            try store.forEachRow(key, in: range, reversed: true) { start, row in
                if let value = row.value { backwards.append("\(value)@\(start)") }
                return true
            }
            #expect(backwards == expected.reversed())
            let count = model.values.reduce(0) { $0 + $1.keys.filter { range.contains($0) && $0 > observed - Self.retention }.count }
            #expect(try store.fetchAll(in: times).count == count)
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func sessions(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        let disk = MemoryByteStore()
        func make() throws -> SessionStore<String, String> {
            try SessionStore(name: "s", key: .string, rows: try Self.segments(disk), index: nil, task: Self.task())
        }
        var store = try make()
        var model: [String: [Window: String]] = [:]
        var (now, observed): (Int64, Int64) = (0, -1)
        for step in 0..<400 {
            now += Int64.random(in: 0...2000, using: &numbers)
            let end = max(0, now - Int64.random(in: 0...50_000, using: &numbers))
            let start = max(0, end - Int64.random(in: 0...3000, using: &numbers))
            let key = try #require(Self.keys.randomElement(using: &numbers))
            var session = Window(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end))
            var value: String? = "\(step)"
            if Bool.random(using: &numbers), let old = model[key]?.keys.min(by: { ($0.end, $0.start) < ($1.end, $1.start) }) {
                (session, value) = (old, nil)
            }
            try store.put(key, session, value)
            observed = max(observed, session.end.milliseconds)
            model[key, default: [:]][session] = value
            store = try Self.disturb(store, disk, &numbers, again: make)
            let from = max(0, now - Int64.random(in: 0...150_000, using: &numbers))
            let expected = (model[key] ?? [:])
                .filter { $0.key.end.milliseconds >= from && $0.key.end.milliseconds > observed - Self.retention }
                .filter { $0.key.start.milliseconds <= from + 60_000 }
                .sorted { ($0.key.end, $0.key.start) < ($1.key.end, $1.key.start) }.map { "\($0.value)@\($0.key)" }
            let found = try store.findSessions(
                key, endingFrom: Timestamp(milliseconds: from), startingUntil: Timestamp(milliseconds: from + 60_000))
            #expect(found.map { "\($0.value)@\($0.session)" } == expected)
        }
    }
}
