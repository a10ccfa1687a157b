import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

@Suite struct JoinStoreTests {
    private static let retention: Int64 = 4000

    private func makeStore(on disk: MemoryByteStore? = nil) throws -> JoinStore<String> {
        try JoinStore(
            name: "s", value: .string, retention: Self.retention, nullsMoveTime: false,
            backing: disk.map { Backing(store: $0, prefix: [7]) })
    }

    private func fetch(_ store: JoinStore<String>, _ key: String, _ range: ClosedRange<Int64>) throws -> [String] {
        var found: [String] = []
        var key = key
        let any = try key.withUTF8 { key in
            try store.forEach(UnsafeRawBufferPointer(key), from: range.lowerBound, to: range.upperBound) { time, value in
                found.append("\(value)@\(time)")
            }
        }
        #expect(any == !found.isEmpty)
        return found
    }

    private func put(_ store: JoinStore<String>, _ key: String, _ value: String?, _ time: Int64) {
        var key = key
        key.withUTF8 { store.put(UnsafeRawBufferPointer($0), value, Timestamp(milliseconds: time), headers: []) }
    }

    @Test func recordsOfOneKeyAndTimeAreAllKept() throws {
        let store = try makeStore()
        for (value, time) in [("b", 20), ("a", 10), ("c", 20), ("d", 5)] { put(store, "k", value, Int64(time)) }
        put(store, "k2", "x", 10)
        #expect(try fetch(store, "k", 0...100) == ["d@5", "a@10", "b@20", "c@20"])
        #expect(try fetch(store, "k", 10...19) == ["a@10"])
        #expect(try fetch(store, "none", 0...100) == [])
    }

    @Test func aRecordLivesAsLongAsTheRetentionAndIsLoggedEvenWhenItIsTooOld() throws {
        let store = try makeStore()
        put(store, "k", "a", 1000)
        put(store, "k", "b", 4999)
        #expect(try fetch(store, "k", 0...10_000) == ["a@1000", "b@4999"])
        put(store, "other", "c", 5000)
        #expect(try fetch(store, "k", 0...10_000) == ["b@4999"])
        put(store, "k", "late", 900)
        put(store, "k", nil, 90_000)
        #expect(try fetch(store, "k", 0...10_000) == ["b@4999"])
        let logged = try store.commitChanges()
        #expect(logged.map { $0.key.last } == [1, 2, 3, 4, 5])
        #expect(logged.last?.value == nil)
    }

    /// Against a list that is searched from end to end, through commits with and without a save, evictions from memory, restarts, crashes and restores.
    @Test(arguments: 1...6) func onDiskItFindsWhatAListFinds(seed: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let disk = MemoryByteStore()
        var store = try makeStore(on: disk)
        var log: [LoggedChange] = []
        /// How much of the log the disk knows of.
        var saved = 0
        func save() throws {
            log += try store.commitChanges(to: disk, sorted: Bool.random(using: &numbers))
            saved = log.count
        }
        var records: [(key: String, time: Int64, value: String)] = []
        var observed: Int64 = -1
        var now: Int64 = 0
        for step in 0..<600 {
            now += Int64.random(in: 0...60, using: &numbers)
            let time = max(0, now - Int64.random(in: 0...3000, using: &numbers))
            let key = ["a", "ab", "a\0", ""][Int.random(in: 0...3, using: &numbers)]
            put(store, key, "\(step)", time)
            observed = max(observed, time)
            records.append((key, time, "\(step)"))
            switch Int.random(in: 0...30, using: &numbers) {
            case 0: try save()
            case 1...3:
                log += try store.commitChanges()
                store.trim(to: 0)
            case 4:
                try save()
                store.trim(to: 0)
            case 5:
                try save()
                store = try makeStore(on: disk)
            case 6:
                log += try store.commitChanges()
                store = try makeStore(on: disk)
                try store.restoreChanges(Array(log[saved...]), to: disk)
                saved = log.count
            default: break
            }
            let probe = max(0, now - Int64.random(in: 0...4000, using: &numbers))
            let expected = records.enumerated()
                .filter { $0.element.key == key && $0.element.time > observed - Self.retention }
                .filter { (probe...(probe + 700)).contains($0.element.time) }
                .sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
                .map { "\($0.element.value)@\($0.element.time)" }
            #expect(try fetch(store, key, probe...(probe + 700)) == expected)
        }
        try save()
        let restored = try makeStore()
        try restored.restoreChanges(log)
        let onDisk = MemoryByteStore()
        let restoredOnDisk = try makeStore(on: onDisk)
        try restoredOnDisk.restoreChanges(log, to: onDisk)
        for key in ["a", "ab", "a\0", ""] {
            let expected = try fetch(store, key, 0...now)
            #expect(try fetch(restored, key, 0...now) == expected)
            #expect(try fetch(restoredOnDisk, key, 0...now) == expected)
        }
        #expect(disk.count < 600, "expired segments leave the disk")
    }

    @Test func afterARestartNoRecordTakesAnothersPlace() throws {
        let disk = MemoryByteStore()
        let store = try makeStore(on: disk)
        put(store, "k", "before", 10)
        try store.commitChanges(to: disk)
        let restarted = try makeStore(on: disk)
        put(restarted, "k", "after", 10)
        try restarted.commitChanges(to: disk)
        #expect(try fetch(try makeStore(on: disk), "k", 0...100) == ["before@10", "after@10"])
    }
}
