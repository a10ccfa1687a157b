import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

@Suite struct OuterJoinStoreTests {
    /// Kafka Streams' walk, word for word: all entries in order of time, side, key, until entries of both sides have been found that still wait.
    private struct Walk {
        struct Entry {
            let time: Int64
            let isLeft: Bool
            let key: String
            let value: String
        }
        var entries: [Entry] = []
        var earliest: Int64?
        var streamTime: Int64 = -1

        mutating func release(leftWait: Int64, rightWait: Int64) -> [String] {
            earliest = nil
            var openLeft = false
            var openRight = false
            var released: [Entry] = []
            for entry in entries {
                earliest = entry.time
                if openLeft && openRight { break }
                if entry.time + (entry.isLeft ? leftWait : rightWait) >= streamTime {
                    if entry.isLeft { openLeft = true } else { openRight = true }
                } else {
                    released.append(entry)
                }
            }
            entries.removeAll { entry in
                released.contains { $0.time == entry.time && $0.isLeft == entry.isLeft && $0.key == entry.key }
            }
            return released.map { "\($0.isLeft ? "l" : "r")\($0.key)=\($0.value)@\($0.time)" }
        }

        mutating func add(_ entry: Entry) {
            entries.append(entry)
            let order = entries.enumerated().sorted {
                ($0.element.time, $0.element.isLeft ? 1 : 0, $0.element.key, $0.offset)
                    < ($1.element.time, $1.element.isLeft ? 1 : 0, $1.element.key, $1.offset)
            }
            entries = order.map(\.element)
            earliest = min(earliest ?? .max, entry.time)
        }
    }

    private func makeStore(_ disk: MemoryByteStore?) -> OuterJoinStore<String, String> {
        OuterJoinStore(name: "o", left: .string, right: .string, backing: disk.map { Backing(store: $0, prefix: [9]) })
    }

    @Test(arguments: 1...8) func releasesWhatKafkaStreamsReleases(seed: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let disk = seed % 2 == 0 ? MemoryByteStore() : nil
        let store = makeStore(disk)
        var walk = Walk()
        let leftWait = Int64.random(in: 0...200, using: &numbers)
        let rightWait = Int64.random(in: 0...200, using: &numbers)
        var log: [LoggedChange] = []
        var now: Int64 = 0
        for step in 0..<500 {
            now += Int64.random(in: 0...20, using: &numbers)
            let time = max(0, now - Int64.random(in: 0...50, using: &numbers))
            let key = "\(Int.random(in: 0...3, using: &numbers))"
            let isLeft = Bool.random(using: &numbers)
            store.advance(to: time)
            walk.streamTime = max(walk.streamTime, time)
            let wait = isLeft ? leftWait : rightWait
            let isDue = walk.earliest.map { $0 + wait < walk.streamTime } ?? true
            #expect(store.isReleaseDue(after: wait) == isDue)
            if isDue, time == walk.streamTime {
                var released: [String] = []
                try store.release(
                    leftWait: leftWait, rightWait: rightWait, now: Timestamp(milliseconds: time),
                    left: { group in released += group.values.map { "l\(self.key(group.bytes))=\($0)@\(group.time)" } },
                    right: { group in released += group.values.map { "r\(self.key(group.bytes))=\($0)@\(group.time)" } })
                #expect(released == walk.release(leftWait: leftWait, rightWait: rightWait))
            }
            if Int.random(in: 0...3, using: &numbers) == 0, let matched = walk.entries.randomElement(using: &numbers) {
                try Array(matched.key.utf8).withUnsafeBytes { bytes in
                    if matched.isLeft {
                        try store.left.remove(bytes, at: matched.time, now: 0)
                    } else {
                        try store.right.remove(bytes, at: matched.time, now: 0)
                    }
                }
                walk.entries.removeAll { $0.time == matched.time && $0.isLeft == matched.isLeft && $0.key == matched.key }
            } else {
                store.expect(time)
                try Array(key.utf8).withUnsafeBytes { bytes in
                    if isLeft {
                        try store.left.add(bytes, "\(step)", at: time)
                    } else {
                        try store.right.add(bytes, "\(step)", at: time)
                    }
                }
                walk.add(Walk.Entry(time: time, isLeft: isLeft, key: key, value: "\(step)"))
            }
            if Int.random(in: 0...20, using: &numbers) == 0 {
                log += try store.commitChanges(to: disk)
                store.trim(to: 0)
            }
        }
        log += try store.commitChanges(to: disk)
        let restored = makeStore(nil)
        try restored.restoreChanges(log)
        var released: [String] = []
        restored.advance(to: .max)
        try restored.release(
            leftWait: 0, rightWait: 0, now: 0,
            left: { group in released += group.values.map { "l\(self.key(group.bytes))=\($0)@\(group.time)" } },
            right: { group in released += group.values.map { "r\(self.key(group.bytes))=\($0)@\(group.time)" } })
        walk.streamTime = .max
        #expect(released == walk.release(leftWait: 0, rightWait: 0))
    }

    @Test func theChangelogHoldsKafkasBytes() throws {
        let store = makeStore(nil)
        try [UInt8(ascii: "a")].withUnsafeBytes { key in
            try store.left.add(key, "1", at: 100)
            try store.left.add(key, "2", at: 100)
        }
        let logged = try store.commitChanges()
        #expect(logged.map(\.key) == [[0, 0, 0, 0, 0, 0, 0, 100, 1, 0x61]])
        #expect(logged[0].value == [1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 0x31, 0, 0, 0, 2, 1, 0x32])
    }

    private func key(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.dropFirst(8), as: UTF8.self)
    }
}
