import Millrace
import Testing

@testable import MillraceStreams

@Suite struct StoreChangesTests {
    private func start(_ disk: AppOnDisk, _ kind: Materialized.Kind = .persistent) async throws -> RunningApp {
        try await RunningApp(disk) { builder in
            builder.table("in", key: .string, value: .string, in: Materialized("rows", kind: kind))
        }
    }

    /// As `key old>new@time`.
    private func take<Key, Value>(_ count: Int, _ iterator: inout StoreChanges<Key, Value>.Iterator) async throws -> [String] {
        var taken: [String] = []
        while taken.count < count, let change = try await iterator.next() {
            let (old, new) = (change.old.map { "\($0)" } ?? "-", change.new.map { "\($0)" } ?? "-")
            taken.append("\(change.key) \(old)>\(new)@\(change.timestamp)")
        }
        return taken
    }

    @Test(arguments: [Materialized.Kind.persistent, .inMemory, .versioned(history: .seconds(10))])
    func tellsOldAndNew(kind: Materialized.Kind) async throws {
        let disk = try AppOnDisk(topics: ["in": 1])
        try disk.write([("a", "1", 1), ("b", "1", 2)], to: "in")
        // Rows of an earlier run are on disk only: their old values are looked up there.
        var running = try await start(disk, kind)
        try await running.process(2)
        try await running.stop()
        running = try await start(disk, kind)
        let changes: StoreChanges<String, String>
        if case .versioned = kind {
            changes = try await running.app.store(.versioned("rows", key: String.self, value: String.self)).changes()
        } else {
            changes = try await running.app.store(.keyValue("rows", key: String.self, value: String.self)).changes()
        }
        var iterator = changes.makeAsyncIterator()
        try disk.write([("a", "2", 3), ("c", "1", 4)], to: "in")
        #expect(try await take(2, &iterator).sorted() == ["a 1>2@3", "c ->1@4"])
        try disk.write([("b", nil, 5)], to: "in")
        #expect(try await take(1, &iterator).first?.hasPrefix("b 1>-") == true)
        try disk.write([("b", "3", 6)], to: "in")
        #expect(try await take(1, &iterator) == ["b ->3@6"])
        // What comes and goes between two commits was never there.
        try disk.write([("d", "1", 7), ("d", nil, 8), ("a", "4", 9)], to: "in")
        #expect(try await take(1, &iterator) == ["a 2>4@9"])
        running.app.shutDown()
        #expect(try await iterator.next() == nil)
        try await running.stop()
    }

    @Test func bringsSlowConsumersTheOutcome() async throws {
        let disk = try AppOnDisk(topics: ["in": 2])
        let running = try await start(disk)
        let rows = try running.app.store(.keyValue("rows", key: String.self, value: String.self))
        var iterator = try await rows.changes(bufferLimit: 10).makeAsyncIterator()
        for round in 1...5 {
            try disk.write((0..<10).map { ("k\($0)", "\(round)", Timestamp(milliseconds: Int64(round))) }, to: "in")
            try await running.process(round * 10)
        }
        #expect(try await take(10, &iterator).sorted() == (0..<10).map { "k\($0) ->5@5" })
        // More rows than the buffer holds.
        try disk.write((0..<11).map { ("n\($0)", "1", 6) }, to: "in")
        try await running.process(61)
        #expect(try await take(10, &iterator).count == 10)
        let error = await #expect(throws: MillraceError.self) {
            while try await iterator.next() != nil {}
        }
        #expect(error?.isRetriable == true)
        try await running.stop()
    }

    /// Rows and changes together give the table, whenever one starts to follow it.
    @Test(.timeLimit(.minutes(10))) func startsWithRowsWhileTheyChange() async throws {
        let disk = try AppOnDisk(topics: ["in": 3])
        let count = 3000
        try disk.write((0..<count).map { ("k\($0)", "0", 0) }, to: "in")
        let running = try await start(disk)
        try await running.process(count)
        let rows = try running.app.store(.keyValue("rows", key: String.self, value: String.self))
        var iterator = try await rows.changes(startingWithRows: true).makeAsyncIterator()
        var replica: [String: String] = [:]
        var numbers = SeededNumbers(seed: 7)
        var expected: [String: String] = [:]
        for round in 1...20 {
            let changed = (0..<100).map { _ in
                let key = Int(numbers.next() % UInt64(count + 500))
                return (key: "k\(key)", value: numbers.next() % 4 == 0 ? nil : "\(round)", time: Timestamp(milliseconds: Int64(round)))
            }
            try disk.write(changed, to: "in")
            for change in changed { expected[change.key] = change.value ?? "-" }
            for _ in 0..<150 {
                guard let change = try await iterator.next() else { break }
                if change.old != nil || replica[change.key] != nil { #expect(change.old == replica[change.key]) }
                replica[change.key] = change.new
            }
        }
        for key in 0..<count where expected["k\(key)"] == nil { expected["k\(key)"] = "0" }
        expected = expected.filter { $0.value != "-" }
        while replica != expected, let change = try await iterator.next() { replica[change.key] = change.new }
        #expect(replica == expected)
        try await running.stop()
    }

    @Test func followsWindowsAndSessions() async throws {
        let disk = try AppOnDisk(topics: ["in": 1])
        let running = try await RunningApp(disk) { builder in
            let grouped = builder.stream("in", key: .string, value: .string).groupByKey()
            grouped.windowedBy(.tumbling(size: .milliseconds(10))).count(in: .persistent("windows", retention: .seconds(60)))
            grouped.windowedBy(SessionWindows(gap: .milliseconds(5))).count(in: .persistent("sessions", retention: .seconds(60)))
        }
        let windows = try running.app.store(.window("windows", key: String.self, value: Int64.self))
        let sessions = try running.app.store(.session("sessions", key: String.self, value: Int64.self))
        try disk.write([("a", "x", 1)], to: "in")
        try await running.process(1)
        var windowChanges = try await windows.changes(startingWithRows: true).makeAsyncIterator()
        var sessionChanges = try await sessions.changes().makeAsyncIterator()
        #expect(try await take(1, &windowChanges) == ["a@0-10 ->1@1"])
        try disk.write([("a", "x", 4)], to: "in")
        #expect(try await take(1, &windowChanges) == ["a@0-10 1>2@4"])
        #expect(try await take(2, &sessionChanges).sorted() == ["a@1-1 1>-@4", "a@1-4 ->2@4"])
        // A window in a segment that is new.
        try disk.write([("b", "x", 200_000)], to: "in")
        #expect(try await take(1, &windowChanges) == ["b@200000-200010 ->1@200000"])
        try await running.stop()
    }

    @Test func isCancelledAndFailsWithTheApp() async throws {
        let disk = try AppOnDisk(topics: ["in": 1])
        let running = try await start(disk)
        let rows = try running.app.store(.keyValue("rows", key: String.self, value: String.self))
        let changes = try await rows.changes()
        let waiting = Task {
            for try await _ in changes {}
        }
        waiting.cancel()
        try await waiting.value
        var iterator = try await rows.changes().makeAsyncIterator()
        try disk.write([("a", "1", 0)], to: "in")
        #expect(try await take(1, &iterator) == ["a ->1@0"])
        await running.abandon()
        #expect(try await iterator.next() == nil)
    }
}
