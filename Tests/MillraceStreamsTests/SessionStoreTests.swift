import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

@Suite struct SessionStoreTests {
    private static let retention: Int64 = 4000
    private static let interval: Int64 = 500

    private struct Session: Hashable {
        let key: String
        let start: Int64
        let end: Int64
    }

    private func makeStore(on disk: MemoryByteStore?) throws -> SessionStore<String, String> {
        let backing = disk.map { Backing(store: $0, prefix: [7]) }
        return try SessionStore(
            name: "s", key: .string,
            rows: try SegmentedOverlay(serde: .string, retention: Self.retention, interval: Self.interval, backing: backing), index: nil,
            task: TaskContext(
                id: TaskID(subtopology: 0, partition: 0), applicationID: "app", now: 0, logger: .silent,
                collector: RecordCollector(NoTopics())))
    }

    private func window(_ session: Session) -> Window {
        Window(start: Timestamp(milliseconds: session.start), end: Timestamp(milliseconds: session.end))
    }

    /// Against a dictionary that is searched from end to end, through removals, commits with and without a save, evictions from memory, restarts and crashes.
    @Test(arguments: 1...6, [false, true]) func itFindsWhatADictionaryFinds(seed: Int, isOnDisk: Bool) throws {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let disk = isOnDisk ? MemoryByteStore() : nil
        var store = try makeStore(on: disk)
        var log: [LoggedChange] = []
        var saved = 0
        var sessions: [Session: String] = [:]
        var observed: Int64 = -1
        var now: Int64 = 0
        for step in 0..<600 {
            now += Int64.random(in: 0...60, using: &numbers)
            let end = max(0, now - Int64.random(in: 0...3000, using: &numbers))
            let key = ["a", "ab", "a\0", ""][Int.random(in: 0...3, using: &numbers)]
            var session = Session(key: key, start: max(0, end - Int64.random(in: 0...300, using: &numbers)), end: end)
            let known = sessions.keys.sorted { ($0.end, $0.start, $0.key) < ($1.end, $1.start, $1.key) }
            if let old = known.randomElement(using: &numbers), Bool.random(using: &numbers) { session = old }
            let value = Int.random(in: 0...2, using: &numbers) == 0 ? nil : "\(step)"
            try store.put(session.key, window(session), value)
            observed = max(observed, session.end)
            sessions[session] = value
            switch Int.random(in: 0...30, using: &numbers) {
            case 0:
                log += try store.commitChanges(to: disk)
                saved = log.count
                store.trim(to: 0)
            case 1...3:
                log += try store.commitChanges()
                store.trim(to: 0)
            case 4 where disk != nil:
                log += try store.commitChanges()
                store = try makeStore(on: disk)
                try store.restoreChanges(Array(log[saved...]), to: disk)
                saved = log.count
            default: break
            }
            sessions = sessions.filter { $0.key.end > observed - Self.retention }
            let from = max(0, now - Int64.random(in: 0...4000, using: &numbers))
            let until = max(0, now - Int64.random(in: 0...4000, using: &numbers))
            let expected = sessions.filter { $0.key.key == key && $0.key.end >= from && $0.key.start <= until }
                .sorted { ($0.key.end, $0.key.start) < ($1.key.end, $1.key.start) }
                .map { "\($0.value)@\($0.key.start)-\($0.key.end)" }
            let found = try store.findSessions(
                key, endingFrom: Timestamp(milliseconds: from), startingUntil: Timestamp(milliseconds: until)
            ).map { "\($0.value)@\($0.session.start)-\($0.session.end)" }
            #expect(found == expected, "seed \(seed), step \(step)")
        }
    }
}

private final class NoTopics: TopicDirectory {
    func partitionCount(of topic: String) -> Int32 { 1 }
}
