import Foundation
import MillraceCore
import MillraceFormats
import Testing

@testable import MillraceLog

/// Random commits, reads, deletions and restarts, against arrays.
@Suite struct ModelTests {
    @Test(arguments: 0..<6 as Range<UInt64>)
    func theLogIsAnArray(_ seed: UInt64) throws {
        let directory = try TemporaryDirectory()
        var generator = SeededGenerator(seed: seed)
        var log = try EmbeddedLog.open(at: directory.path, options: options(seed))
        let compression = ["producer", "lz4", "producer", "zstd", "gzip", "snappy"][Int(seed)]
        try log.createTopic(
            TopicSpecification(
                "t", partitions: 3, settings: ["segment.bytes": "2000", "index.interval.bytes": "200", "compression.type": compression]))
        let partitions = (0..<3).map { TopicPartition("t", $0) }
        var model: [[PlainRecord]] = [[], [], []]
        var starts = [0, 0, 0]
        var committed: [TopicPartition: CommittedOffset] = [:]
        for step in 0..<150 {
            switch Int.random(in: 0..<20, using: &generator) {
            case 0:
                if Bool.random(using: &generator) { try log.close() }
                log = try reopened(log, directory, seed)
            case 1:
                let number = Int.random(in: 0..<3, using: &generator)
                let offset = Int.random(in: starts[number]...model[number].count, using: &generator)
                try log.deleteRecords(before: [partitions[number]: Offset(Int64(offset))])
                starts[number] = offset
            case 2...8:
                let number = Int.random(in: 0..<3, using: &generator)
                let from = Int.random(in: starts[number]...model[number].count, using: &generator)
                let read = try log.readAll(partitions[number], from: Int64(from), maxBytes: Int.random(in: 1..<5000, using: &generator))
                #expect(read.map(\.offset) == (from..<model[number].count).map(Int64.init))
                #expect(read.map(\.record) == Array(model[number][from...]))
            default:
                var outputs: [OutputBatches] = []
                for number in 0..<3 where Bool.random(using: &generator) {
                    let records = (0..<Int.random(in: 1..<30, using: &generator)).map {
                        PlainRecord(key: "\(number)", value: "\(step)-\($0)", time: Int64(step))
                    }
                    model[number] += records
                    outputs.append(
                        OutputBatches(partition: partitions[number], bytes: try encode(records, batchSize: 300), recordCount: records.count)
                    )
                }
                committed[partitions[0]] = CommittedOffset(Offset(Int64(step)))
                let session = try log.openSession(named: "s", group: "g")
                _ = try session.commit(outputs, offsets: [partitions[0]: CommittedOffset(Offset(Int64(step)))])
            }
            for number in 0..<3 {
                #expect(try log.offsetRange(of: partitions[number]) == Offset(Int64(starts[number]))..<Offset(Int64(model[number].count)))
            }
            #expect(log.committedOffsets(of: "g") == committed)
        }
    }

    private func options(_ seed: UInt64) -> EmbeddedLogOptions {
        EmbeddedLogOptions(durability: seed % 2 == 0 ? .onCommit : .system)
    }

    /// Opens the directory again as if the process had been killed: the old log lets go of it without closing.
    private func reopened(_ log: consuming EmbeddedLog, _ directory: TemporaryDirectory, _ seed: UInt64) throws -> EmbeddedLog {
        log.abandon()
        return try EmbeddedLog.open(at: directory.path, options: options(seed))
    }
}

struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
