import Foundation
import MillraceCore
import Testing

@testable import MillraceLog

/// Outputs that leave memory ahead of their commit.
@Suite struct StagedOutputTests {
    private let directory: TemporaryDirectory
    private let log: EmbeddedLog
    private let a = TopicPartition("a", 0)
    private let b = TopicPartition("b", 0)

    init() throws {
        directory = try TemporaryDirectory()
        log = try EmbeddedLog.open(at: directory.path, options: EmbeddedLogOptions(housekeeping: nil))
        for topic in ["a", "b"] { try log.createTopic(TopicSpecification(topic, partitions: 1)) }
    }

    private func records(_ range: Range<Int>, length: Int = 10) -> [PlainRecord] {
        range.map { PlainRecord(key: "\($0)", value: String(repeating: "v", count: length)) }
    }

    private func output(_ partition: TopicPartition, _ records: [PlainRecord]) throws -> OutputBatches {
        OutputBatches(partition: partition, bytes: try encode(records, batchSize: 4096), recordCount: records.count)
    }

    private func leftovers() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasPrefix(StagedOutputs.filePrefix) }
    }

    @Test("They are seen with the commit, in front of its outputs, and the file goes", arguments: [10, 20_000])
    func order(length: Int) throws {
        try log.write(records(0..<5), to: a)
        let session = try log.openSession(named: "s", group: "g")
        #expect(try session.stage([output(a, records(5..<100, length: length)), output(b, records(0..<3))]))
        #expect(try session.stage([output(a, records(100..<200, length: length))]))
        #expect(try log.readAll(a).count == 5)
        let firsts = try session.commit([output(a, records(200..<210)), output(b, [])], offsets: [a: CommittedOffset(1)])
        #expect(firsts == [5, 0])
        #expect(try log.readAll(a).map(\.record.key) == (0..<210).map { "\($0)" })
        #expect(try log.readAll(a).map(\.offset) == Array(0..<210))
        #expect(try log.readAll(b).count == 3)
        #expect(try leftovers() == [])
        #expect(try session.commit([output(b, records(3..<4))], offsets: [:]) == [3])
    }

    @Test("They are gone when they are given up, or their session ends, or its process")
    func givenUp() throws {
        let session = try log.openSession(named: "s", group: "g")
        #expect(try session.stage([output(a, records(0..<100))]))
        session.forgetStaged()
        #expect(try session.commit([output(a, records(0..<1))], offsets: [:]) == [0])
        #expect(try session.stage([output(a, records(1..<100))]))
        session.close()
        #expect(try leftovers() == [])
        let other = try log.openSession(named: "t", group: "g")
        #expect(try other.stage([output(a, records(1..<100))]))
        #expect(try leftovers().count == 1)
        log.abandon()
        let again = try EmbeddedLog.open(at: directory.path, options: EmbeddedLogOptions(housekeeping: nil))
        #expect(try leftovers() == [])
        #expect(try again.readAll(a).count == 1)
        again.abandon()
    }
}
