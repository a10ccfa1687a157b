import MillraceCore
import MillraceSimulator
import MillraceSystem
import Testing

@testable import MillraceLog

/// However many segments there are, few files are open; and with none left to open the log says so and goes on later.
@Suite struct OpenFilesTests {
    private func options(_ disk: SimulatedFileSystem, maximumOpenFiles: Int = 1000) -> EmbeddedLogOptions {
        EmbeddedLogOptions(durability: .onCommit, fileSystem: disk, housekeeping: nil, maximumOpenFiles: maximumOpenFiles)
    }

    private func value(_ round: Int, _ partition: TopicPartition) -> String { "\(partition) \(round)" }

    @Test(arguments: [1, 2, 7])
    func moreSegmentsThanFilesMayBeOpen(_ limit: Int) throws {
        let disk = SimulatedFileSystem()
        let partitions = (0..<20).map { TopicPartition("t", $0) }
        do {
            let log = try EmbeddedLog.open(at: "/log", options: options(disk, maximumOpenFiles: limit))
            try log.createTopic(
                TopicSpecification("t", partitions: 20, settings: ["segment.bytes": "200", "index.interval.bytes": "80"]))
            for round in 0..<6 {
                for partition in partitions { try log.write([PlainRecord(value: value(round, partition))], to: partition) }
                #expect(log.files.count <= limit)
            }
            for partition in partitions {
                #expect(try log.readAll(partition).map(\.record.value) == (0..<6).map { value($0, partition) })
            }
            #expect(log.files.count <= limit)
            try log.close()
        }
        let log = try EmbeddedLog.open(at: "/log", options: options(disk.afterCrash(.lost), maximumOpenFiles: limit))
        #expect(log.files.count <= limit)
        for partition in partitions {
            #expect(try log.readAll(partition).map(\.record.value) == (0..<6).map { value($0, partition) })
        }
    }

    /// A reader in the middle of a segment that a compaction replaces goes on in the old one, though its file had been closed meanwhile.
    @Test func whatIsReadIsNotExchangedUnderTheReader() throws {
        let disk = SimulatedFileSystem()
        let log = try EmbeddedLog.open(at: "/log", options: options(disk, maximumOpenFiles: 1))
        try log.createTopic(TopicSpecification("c", partitions: 1, settings: ["cleanup.policy": "compact", "segment.bytes": "2000"]))
        let c = TopicPartition("c", 0)
        for number in 0..<60 { try log.write([PlainRecord(key: "k\(number % 3)", value: "\(number)")], to: c) }
        let view = log.state.locked { () -> BatchReader.View? in try? log.existingPartition(c).view }
        let segments = try #require(view?.segments)
        #expect(segments.count > 2)
        try log.runCompaction(now: 1000)
        var values: [String?] = []
        for segment in segments.dropLast() {
            var scan = segment.scan(from: 0)
            while let (batch, _) = try scan.nextVerified() {
                var records = try batch.records(decompressingInto: ByteBuffer())
                while let record = try records.next() { values.append(record.value.map { String(decoding: $0, as: UTF8.self) }) }
            }
        }
        #expect(values == (0..<values.count).map { "\($0)" })
        #expect(values.count > 20)
    }

    @Test func withoutAFileLeftToOpenTheLogSaysSoAndGoesOnLater() throws {
        let disk = SimulatedFileSystem()
        let t = TopicPartition("t", 0)
        do {
            let log = try EmbeddedLog.open(at: "/log", options: options(disk))
            try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "200"]))
            for number in 0..<10 { try log.write([PlainRecord(value: "\(number)")], to: t) }
            disk.setOpenFileLimit(0)
            // It may take a while until a new segment is needed.
            let error = #expect(throws: MillraceError.self) {
                for number in 10..<20 { try log.write([PlainRecord(value: "\(number)")], to: t) }
            }
            #expect(error?.isRetriable == true)
            let end = Int(try log.offsetRange(of: t).upperBound.value)
            disk.setOpenFileLimit(.max)
            for number in end..<25 { try log.write([PlainRecord(value: "\(number)")], to: t) }
            #expect(try log.readAll(t).map(\.record.value) == (0..<25).map { "\($0)" })
            try log.close()
        }
        // Opening with too few files throws, and leaves everything as it was.
        var limit = 0
        while true {
            disk.setOpenFileLimit(limit)
            do {
                let log = try EmbeddedLog.open(at: "/log", options: options(disk, maximumOpenFiles: 2))
                #expect(try log.readAll(t).map(\.record.value) == (0..<25).map { "\($0)" })
                break
            } catch let error as MillraceError {
                #expect(error.isRetriable, "\(error.message)")
                limit += 1
                try #require(limit < 20)
            }
        }
        #expect(limit > 1)
    }
}
