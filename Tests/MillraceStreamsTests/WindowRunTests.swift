import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

@Suite struct WindowRunTests {
    private static let retention: Int64 = 4000
    private static let interval: Int64 = 500

    private func makeStore(on disk: MemoryByteStore?) throws -> WindowStore<String, String> {
        let backing = disk.map { Backing(store: $0, prefix: [7]) }
        return try WindowStore(
            name: "w", windowSize: 100, key: .string,
            rows: try SegmentedOverlay(serde: .string, retention: Self.retention, interval: Self.interval, backing: backing),
            task: TaskContext(
                id: TaskID(subtopology: 0, partition: 0), applicationID: "app", now: 0, logger: .silent,
                collector: RecordCollector(NoTopics())))
    }

    /// The windows of a key that runs find are those that a walk over the rows finds, through removals, commits with and without a save, evictions from memory and restarts.
    @Test(arguments: 1...4, [false, true]) func runsFindWhatAWalkFinds(seed: Int, isOnDisk: Bool) throws {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let disk = isOnDisk ? MemoryByteStore() : nil
        var store = try makeStore(on: disk)
        var log: [LoggedChange] = []
        var saved = 0
        var now: Int64 = 0
        for step in 0..<600 {
            // Rows that are there before are found too.
            if step == 20 { try store.keepRuns() }
            now += Int64.random(in: 0...60, using: &numbers)
            let key = ["a", "ab", "a\0", ""][Int.random(in: 0...3, using: &numbers)]
            let start = max(0, (now - Int64.random(in: 0...3000, using: &numbers)) / 20 * 20)
            let value = Int.random(in: 0...2, using: &numbers) == 0 ? nil : "\(step)"
            try store.put(key, value, at: Timestamp(milliseconds: start))
            switch Int.random(in: 0...30, using: &numbers) {
            case 0:
                log += try store.commitChanges(to: disk)
                saved = log.count
                store.trim(to: 0)
            case 1...3: log += try store.commitChanges()
            case 4 where disk != nil:
                log += try store.commitChanges()
                store = try makeStore(on: disk)
                try store.restoreChanges(Array(log[saved...]), to: disk)
                saved = log.count
                try store.keepRuns()
            default: break
            }
            guard step >= 20 else { continue }
            let lower = max(0, now - Int64.random(in: 0...4000, using: &numbers))
            let starts = lower...lower + Int64.random(in: 0...2000, using: &numbers)
            let expected = try store.fetch(key, in: Timestamp(milliseconds: starts.lowerBound)...Timestamp(milliseconds: starts.upperBound))
                .map { "\($0.value)@\($0.start)" }
            for reversed in [false, true] {
                var found: [String] = []
                try store.forEachPlace(keyLength: try store.write(key), in: starts, reversed: reversed) { start, place in
                    if let value = place.row?.value { found.append("\(value)@\(Timestamp(milliseconds: start))") }
                    return true
                }
                #expect(found == (reversed ? expected.reversed() : expected), "seed \(seed), step \(step)")
            }
        }
    }
}

private final class NoTopics: TopicDirectory {
    func partitionCount(of topic: String) -> Int32 { 1 }
}
