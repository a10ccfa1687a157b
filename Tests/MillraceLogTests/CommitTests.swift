import Foundation
import MillraceCore
import MillraceFormats
import Testing

@testable import MillraceLog

@Suite struct CommitTests {
    let directory: TemporaryDirectory
    let a0 = TopicPartition("a", 0)
    let b1 = TopicPartition("b", 1)

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test func recordsAndOffsetsAreThereAfterReopening() throws {
        let first = (0..<100).map { PlainRecord(key: "k\($0)", value: "v\($0)", time: Int64($0)) }
        do {
            let log = try EmbeddedLog.open(at: directory.path)
            try log.createTopic(TopicSpecification("a", partitions: 1))
            try log.createTopic(TopicSpecification("b", partitions: 2, settings: ["cleanup.policy": "compact"]))
            let session = try log.openSession(named: "s", group: "g")
            let offsets = try session.commit(
                [
                    OutputBatches(partition: a0, bytes: try encode(first), recordCount: 100),
                    OutputBatches(partition: b1, bytes: try encode(Array(first[0..<3])), recordCount: 3),
                ], offsets: [a0: CommittedOffset(7, metadata: "note")])
            #expect(offsets == [0, 0])
            let more = try session.commit([OutputBatches(partition: a0, bytes: try encode(first), recordCount: 100)], offsets: [:])
            #expect(more == [100])
        }
        let log = try EmbeddedLog.open(at: directory.path)
        #expect(try log.listTopics() == ["a", "b"])
        #expect(try log.describeTopic("b")?.settings == ["cleanup.policy": "compact"])
        #expect(try log.offsetRange(of: a0) == 0..<200)
        #expect(try log.offsetRange(of: b1) == 0..<3)
        #expect(try log.committedOffsets(of: "g", for: [a0, b1]) == [a0: CommittedOffset(7, metadata: "note")])
        let read = try log.readAll(a0)
        #expect(read.map(\.offset) == Array(0..<200))
        #expect(read.map(\.record) == first + first)
        #expect(try log.readAll(a0, from: 150).map(\.offset) == Array(150..<200))
        #expect(try log.write([PlainRecord(key: nil, value: nil)], to: a0) == 200)
        #expect(try log.readAll(a0, from: 200).map(\.record) == [PlainRecord(key: nil, value: nil)])
        try log.close()
        #expect(throws: MillraceError.self) { try log.write([PlainRecord()], to: a0) }
    }
}
