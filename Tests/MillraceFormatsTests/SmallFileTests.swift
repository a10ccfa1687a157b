import MillraceCore
import Testing

@testable import MillraceFormats

@Suite struct SmallFileTests {
    @Test func topicIDsAreWrittenAsKafkaDoes() {
        // Kafka's `Uuid.toString` of these two numbers.
        #expect(TopicID(high: 0, low: 1).text == "AAAAAAAAAAAAAAAAAAAAAQ")
        #expect(TopicID(high: .max, low: .max).text == "_____________________w")
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let id = TopicID(high: generator.next(), low: generator.next())
            #expect(TopicID(text: id.text) == id)
        }
        for text in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAA*", "AAAAAAAAAAAAAAAAAAAAAB"] { #expect(TopicID(text: text) == nil) }
    }

    @Test func partitionMetadata() throws {
        let id = TopicID(high: 12, low: 34)
        #expect(try PartitionMetadata(text: PartitionMetadata(topicID: id).text).topicID == id)
        #expect(try PartitionMetadata(text: "version: 0\ntopic_id: \(id.text)\n").topicID == id)
        for text in ["", "version: 1\ntopic_id: \(id.text)", "version: 0", "nonsense"] {
            #expect(throws: MillraceError.self) { try PartitionMetadata(text: text) }
        }
    }

    @Test func leaderEpochs() throws {
        let epochs = LeaderEpochs([.init(epoch: 0, startOffset: 0), .init(epoch: 4, startOffset: 120)])
        #expect(epochs.text == "0\n2\n0 0\n4 120\n")
        #expect(try LeaderEpochs(text: epochs.text) == epochs)
        for text in ["", "0\n2\n0 0\n", "1\n0\n", "0\n1\nx y\n"] { #expect(throws: MillraceError.self) { try LeaderEpochs(text: text) } }
    }

    @Test func indexEntries() {
        let buffer = ByteBuffer()
        OffsetIndexEntry(relativeOffset: 5, position: 4096).write(to: buffer)
        #expect(Array(buffer.bytes) == [0, 0, 0, 5, 0, 0, 0x10, 0])
        #expect(OffsetIndexEntry(buffer.bytes) == OffsetIndexEntry(relativeOffset: 5, position: 4096))
        buffer.removeAll()
        TimeIndexEntry(timestamp: 258, relativeOffset: 9).write(to: buffer)
        #expect(Array(buffer.bytes) == [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 9])
        #expect(TimeIndexEntry(buffer.bytes) == TimeIndexEntry(timestamp: 258, relativeOffset: 9))
    }
}
