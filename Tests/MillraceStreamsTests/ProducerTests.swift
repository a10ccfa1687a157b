import Foundation
import Millrace
import Testing

@Suite struct ProducerTests {
    private let topic = "words"

    @Test func recordsAreVisibleFromTheCommitOn() throws {
        try withBackend { backend in
            let words = try Producer<String, Int64>(to: topic, on: backend)
            try words.send("to", 1, at: 10)
            try words.send("be", 2, at: 20)
            #expect(try ends(on: backend).reduce(0, +) == 0)
            try words.commit()
            #expect(try ends(on: backend).reduce(0, +) == 2)
            try words.commit()
            #expect(try ends(on: backend).reduce(0, +) == 2)
        }
    }

    @Test func oneKeyGoesToOnePartition() throws {
        try withBackend { backend in
            let words = try Producer<String, Int64>(to: topic, on: backend)
            for number in 0..<100 { try words.send("the same", Int64(number)) }
            try words.commit()
            #expect(try ends(on: backend).filter { $0 > 0 } == [100])
        }
    }

    @Test func recordsWithoutAKeyTakeTurnsByCommits() throws {
        try withBackend { backend in
            let lines = try Producer<String?, String>(to: topic, on: backend)
            for _ in 0..<3 {
                try lines.send("a line")
                try lines.commit()
            }
            #expect(try ends(on: backend) == [1, 1, 1])
        }
    }

    @Test func muchThatWaitsIsCommittedOnTheWay() throws {
        try withBackend { backend in
            let lines = try Producer<String?, String>(to: topic, on: backend)
            let line = String(repeating: "x", count: 1 << 18)
            for _ in 0..<5 { try lines.send(line) }
            #expect(try ends(on: backend).reduce(0, +) >= 4)
        }
    }

    @Test func aProducerOfTheSameNameFencesTheOlderOne() throws {
        try withBackend { backend in
            let older = try Producer<String, Int64>(to: topic, on: backend)
            let newer = try Producer<String, Int64>(to: topic, on: backend)
            try older.send("a", 1)
            let error = #expect(throws: MillraceError.self) { try older.commit() }
            #expect(error?.kind == .fenced)
            try newer.send("b", 2)
            try newer.commit()
            #expect(try ends(on: backend).reduce(0, +) == 1)
        }
    }

    @Test func aMissingTopicIsNamed() throws {
        try withBackend { backend in
            let error = #expect(throws: MillraceError.self) { try Producer<String, Int64>(to: "nowhere", on: backend) }
            #expect(error?.message.contains("nowhere") == true)
        }
    }

    /// The end offsets of the topic's partitions.
    private func ends(on backend: StreamsBackend) throws -> [Int64] {
        try (0..<3).map { try backend.transport.offsetRange(of: TopicPartition(topic, $0)).upperBound.value }
    }

    private func withBackend(_ body: (StreamsBackend) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "/producer-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let backend = try StreamsBackend.embedded(at: path)
        try backend.transport.createTopic(TopicSpecification(topic, partitions: 3))
        try body(backend)
    }
}
