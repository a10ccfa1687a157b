import MillraceCore
import MillraceFormats
import Testing

@testable import MillraceLog

/// The worked examples of docs/formats/log.md.
@Suite struct DocumentedBytesTests {
    private func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func theBatch() throws {
        let output = try encode([PlainRecord(key: "the", value: "1", time: 1000), PlainRecord(key: "end", value: nil, time: 1005)])
        let expected =
            "0000000000000000" + "00000046" + "00000000" + "02" + "84495c27" + "0000" + "00000001" + "00000000000003e8" + "00000000000003ed"
            + "ffffffffffffffff" + "ffff" + "ffffffff" + "00000002" + "14000000067468650231" + "00" + "12000a0206656e6401" + "00"
        #expect(hex(output.bytes) == expected)
    }

    @Test func theJournalEntry() {
        var entry = JournalEntry()
        entry.partitions = [
            (PartitionKey(topic: 1, partition: 0), PartitionMark(startOffset: 0, endOffset: 200, segmentBase: 0, segmentBytes: 5000))
        ]
        entry.groups = [GroupMark(group: "app", partition: PartitionKey(topic: 2, partition: 1), offset: CommittedOffset(7, metadata: "m"))]
        let buffer = ByteBuffer()
        JournalFrame.encode(entry, sequence: 5, syncedPosition: 64, into: buffer)
        let expected =
            "4d4c4a31" + "00000013" + "c759769f" + "0000000000000005" + "0000000000000040" + "01010000c80100882701" + "03617070020108016d"
        #expect(hex(buffer.bytes) == expected)
        #expect(JournalFrame(startOf: buffer.bytes)?.entry == entry)
    }
}
