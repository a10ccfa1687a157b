import Foundation
import MillraceCore
import MillraceFormats
import Testing

@testable import MillraceLog

@Suite struct TopicTests {
    let directory: TemporaryDirectory
    let log: EmbeddedLog
    let t0 = TopicPartition("t", 0)

    init() throws {
        directory = try TemporaryDirectory()
        log = try EmbeddedLog.open(at: directory.path)
    }

    @Test(arguments: ["", ".", "..", "a/b", "a b", "ä", "a\u{0}", String(repeating: "x", count: 250)])
    func badNamesAreRefused(_ name: String) {
        let error = #expect(throws: MillraceError.self) { try log.createTopic(TopicSpecification(name, partitions: 1)) }
        #expect(error?.kind == .configuration)
    }

    @Test(arguments: [
        ("retention.ms", "-2"), ("segment.bytes", "1"), ("cleanup.policy", "keep"), ("cleanup.policy", ""), ("compression.type", "none"),
        ("no.such", "1"),
        ("min.cleanable.dirty.ratio", "2"), ("message.timestamp.type", "Never"), ("max.message.bytes", "many"),
    ])
    func badSettingsAreRefused(_ name: String, _ value: String) {
        let error = #expect(throws: MillraceError.self) {
            try log.createTopic(TopicSpecification("t", partitions: 1, settings: [name: value]))
        }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains(name) == true)
        #expect(try! log.listTopics() == [])
    }

    @Test func aTopicMadeAgainHasNothingOfTheOldOne() throws {
        try log.createTopic(TopicSpecification("t", partitions: 1))
        let id = try log.describeTopic("t")?.id
        try log.write([PlainRecord(value: "old")], to: t0, offsets: [t0: CommittedOffset(1)])
        #expect(throws: MillraceError.self) { try log.createTopic(TopicSpecification("t", partitions: 1)) }
        try log.deleteTopic("t")
        #expect(try log.describeTopic("t") == nil)
        #expect(!FileManager.default.fileExists(atPath: directory.path + "/t-0"))
        try log.createTopic(TopicSpecification("t", partitions: 1))
        #expect(try log.describeTopic("t")?.id != id)
        #expect(log.committedOffsets(of: "group").isEmpty)
        log.abandon()
        let again = try EmbeddedLog.open(at: directory.path)
        #expect(try again.offsetRange(of: t0) == 0..<0)
        #expect(again.committedOffsets(of: "group").isEmpty)
    }

    @Test func partitionsAreAddedAndSettingsChanged() throws {
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["retention.ms": "5"]))
        try log.write([PlainRecord(value: "0")], to: t0)
        try log.addPartitions(to: "t", count: 3)
        #expect(throws: MillraceError.self) { try log.addPartitions(to: "t", count: 2) }
        try log.alterTopic("t", settings: ["retention.ms": nil, "segment.ms": "100"])
        try log.write([PlainRecord(value: "2")], to: TopicPartition("t", 2))
        log.abandon()
        let again = try EmbeddedLog.open(at: directory.path)
        #expect(try again.describeTopic("t")?.partitions == 3)
        #expect(try again.describeTopic("t")?.settings == ["segment.ms": "100"])
        #expect(try again.readAll(t0).count == 1 && again.readAll(TopicPartition("t", 2)).count == 1)
    }

    @Test func aSecondLogOnTheDirectoryIsRefused() throws {
        let error = #expect(throws: MillraceError.self) { try EmbeddedLog.open(at: directory.path) }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("process \(ProcessInfo.processInfo.processIdentifier)") == true)
    }

    @Test func aDirectoryOfSomethingElseIsRefused() throws {
        let other = try TemporaryDirectory()
        try "hello".write(toFile: other.path + "/notes.txt", atomically: true, encoding: .utf8)
        let error = #expect(throws: MillraceError.self) { try EmbeddedLog.open(at: other.path) }
        #expect(error?.message.contains("notes.txt") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other.path) == ["notes.txt"])
        let newer = try TemporaryDirectory()
        try "millrace log 9\n".write(toFile: newer.path + "/millrace.format", atomically: true, encoding: .utf8)
        #expect(throws: MillraceError.self) { try EmbeddedLog.open(at: newer.path) }
    }

    @Test func batchesThatAreTooLongAreRefused() throws {
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["max.message.bytes": "100"]))
        let error = #expect(throws: MillraceError.self) { try log.write([PlainRecord(value: String(repeating: "x", count: 100))], to: t0) }
        #expect(error?.message.contains("max.message.bytes") == true)
    }

    @Test func recordsAreFoundByTime() throws {
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "1000", "index.interval.bytes": "100"]))
        for number in 0..<100 {
            try log.write(
                [PlainRecord(value: "x", time: Int64(number * 10)), PlainRecord(value: "y", time: Int64(number * 10 - 3))], to: t0)
        }
        for time in stride(from: 0, through: 1000, by: 7) {
            let expected = (0..<200).first { index in (index % 2 == 0 ? index / 2 * 10 : index / 2 * 10 - 3) >= time }
            #expect(try log.offset(for: t0, at: Timestamp(milliseconds: Int64(time))) == expected.map { Offset(Int64($0)) })
        }
    }

    @Test func appendTimeReplacesTheRecordsTime() throws {
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["message.timestamp.type": "LogAppendTime"]))
        try log.write([PlainRecord(value: "x", time: 5)], to: t0)
        #expect(try log.readAll(t0)[0].record.time > 1_600_000_000_000)
    }

    @Test func retentionDeletesOldSegments() throws {
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "200", "retention.ms": "1000"]))
        for number in 0..<50 { try log.write([PlainRecord(value: "\(number)", time: Int64(number * 100))], to: t0) }
        try log.runRetention(now: 4000)
        let start = try log.offsetRange(of: t0).lowerBound.value
        #expect(start > 20 && start <= 30)
        #expect(try log.readAll(t0).map(\.offset) == Array(start..<50))
        try log.alterTopic("t", settings: ["retention.ms": "-1", "retention.bytes": "500"])
        try log.runRetention(now: 4000)
        #expect(try log.offsetRange(of: t0).lowerBound.value > start)
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/t-0").filter { $0.hasSuffix(".log") }
        #expect(files.count < 6)
    }
}
