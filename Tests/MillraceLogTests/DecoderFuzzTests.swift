import Foundation
import MillraceCore
import MillraceFormats
import Testing

@testable import MillraceLog

/// Bytes that were valid and are changed, with checksums made right again so that the decoders see them: an error or another content, never a trap, nor memory for lengths that are
/// only claimed.
///
/// `MILLRACE_SEEDS=100000 swift test --filter Fuzz` tries more of them.
@Suite struct DecoderFuzzTests {
    private static let rounds = ProcessInfo.processInfo.environment["MILLRACE_SEEDS"].flatMap(Int.init) ?? 2000

    private func mutated(_ original: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            guard !bytes.isEmpty else { break }
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            case 2: bytes.insert(0xFF, at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...9, using: &generator)))
            }
        }
        return bytes
    }

    private func journal() throws -> [UInt8] {
        let buffer = ByteBuffer()
        for number in 0..<5 {
            var entry = JournalEntry()
            for partition in 0..<3 {
                entry.partitions.append(
                    (
                        PartitionKey(topic: 7, partition: Partition(partition)),
                        PartitionMark(startOffset: 3, endOffset: 300 + Int64(number), segmentBase: 100, segmentBytes: 70_000)
                    ))
            }
            entry.groups = [
                GroupMark(group: "group", partition: PartitionKey(topic: 7, partition: 0), offset: CommittedOffset(9, metadata: "meta")),
                GroupMark(group: "gone", partition: PartitionKey(topic: 7, partition: 1), offset: nil),
            ]
            JournalFrame.encode(entry, sequence: UInt64(number), syncedPosition: 0, into: buffer)
        }
        return Array(buffer.bytes)
    }

    @Test func journals() throws {
        var generator = SeededGenerator(seed: 11)
        let original = try journal()
        for _ in 0..<DecoderFuzzTests.rounds {
            let bytes = mutated(original, &generator)
            for isInOrder in [true, false] {
                do {
                    let recovery = try bytes.withUnsafeBytes { try JournalRecovery($0, path: "j", isInOrder: isInOrder) { _, _ in true } }
                    #expect(recovery.end <= bytes.count)
                } catch let error as MillraceError {
                    #expect(error.kind == .corruption)
                }
            }
        }
    }

    @Test func journalEntriesBehindAGoodChecksum() throws {
        var generator = SeededGenerator(seed: 12)
        let frame = try journal()
        let payload = try frame.withUnsafeBytes { bytes in
            let length = try #require(JournalFrame(startOf: bytes)).length
            return Array(bytes[JournalFrame.headerLength..<length])
        }
        var refused = 0
        for _ in 0..<DecoderFuzzTests.rounds {
            let bytes = mutated(payload, &generator)
            if bytes.withUnsafeBytes({ JournalEntry($0) }) == nil { refused += 1 }
        }
        #expect(refused > DecoderFuzzTests.rounds / 10)
        // A count or a length that nothing stands behind takes no memory.
        for bytes in [[UInt8](repeating: 0xFF, count: 9) + [1], [0, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]] {
            #expect(bytes.withUnsafeBytes { JournalEntry($0) } == nil)
        }
    }

    @Test func listsOfTopics() throws {
        var generator = SeededGenerator(seed: 13)
        var catalogue = TopicCatalogue()
        for number in 1...3 {
            catalogue.entries.append(
                TopicCatalogue.Entry(
                    ordinal: UInt32(number),
                    description: TopicDescription(
                        name: "topic-\(number)", id: TopicID(high: 5, low: 6), partitions: 4,
                        settings: ["retention.ms": "1000", "cleanup.policy": "compact"])))
        }
        let content = Array(try #require(ChecksummedText.content(of: catalogue.text)).utf8)
        for _ in 0..<DecoderFuzzTests.rounds {
            let text = String(decoding: mutated(content, &generator), as: UTF8.self)
            do {
                _ = try TopicCatalogue(text: ChecksummedText.sealed(text.hasSuffix("\n") ? text : text + "\n"), path: "topics")
            } catch let error as MillraceError {
                #expect(error.kind == .corruption || error.kind == .configuration)
            }
        }
    }

    /// A batch that claims to be long gets no memory before its checksum is known to be right.
    @Test func aLengthThatIsOnlyClaimedTakesNoMemory() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/file"
        let batch = Array(try encode([PlainRecord(value: "v")]).bytes)
        let file = try POSIXFileSystem().open(path, writable: true)
        try batch.withUnsafeBytes { try file.write($0, at: 0) }
        try [UInt8]([0x3F, 0xFF, 0xFF, 0xF0]).withUnsafeBytes { try file.write($0, at: RecordBatchLayout.batchLength) }
        // Sparse, so that it costs nothing.
        try file.truncate(to: 40 << 20)
        try [UInt8]([0x02, 0, 0, 0]).withUnsafeBytes { try file.write($0, at: RecordBatchLayout.batchLength) }
        var scan = BatchScan(file, path: path, from: 0, to: 40 << 20)
        let error = #expect(throws: MillraceError.self) { try scan.next() }
        #expect(error?.kind == .corruption)
        #expect(error?.message.contains("byte 0") == true)
    }
}
