import Foundation
import MillraceCore
import MillraceFormats
import Testing

@testable import MillraceLog

/// What is left of a log after its process was killed at any moment.
@Suite struct RecoveryTests {
    let directory: TemporaryDirectory
    let t0 = TopicPartition("t", 0)
    let u0 = TopicPartition("u", 0)

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func commit(_ log: EmbeddedLog, _ number: Int) throws {
        let session = try log.openSession(named: "s", group: "g")
        let records = (0...number).map { PlainRecord(key: "k\(number)", value: "v\($0)") }
        let outputs = [
            OutputBatches(partition: t0, bytes: try encode(records), recordCount: records.count),
            OutputBatches(partition: u0, bytes: try encode([records[0]]), recordCount: 1),
        ]
        _ = try session.commit(outputs, offsets: [t0: CommittedOffset(Offset(Int64(number + 1)))])
    }

    /// The number of commits that a directory shows, after checking that all that it shows belongs to whole ones.
    private func commitsShown(_ path: String) throws -> Int {
        let log = try EmbeddedLog.open(at: path)
        let commits = Int(try log.offsetRange(of: u0).upperBound.value)
        #expect(try log.offsetRange(of: t0).upperBound.value == Int64(commits * (commits + 1) / 2))
        #expect(try log.committedOffsets(of: "g", for: [t0])[t0]?.offset.value == (commits == 0 ? nil : Int64(commits)))
        let expected = (0..<commits).flatMap { number in (0...number).map { PlainRecord(key: "k\(number)", value: "v\($0)") } }
        #expect(try log.readAll(t0).map(\.record) == expected)
        #expect(try log.readAll(u0).count == commits)
        return commits
    }

    @Test func aJournalCutAtAnyByteGoesBackToAWholeCommit() throws {
        let log = try EmbeddedLog.open(at: directory.path, options: EmbeddedLogOptions(durability: .system))
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "400"]))
        try log.createTopic(TopicSpecification("u", partitions: 1))
        var ends: [Int] = [log.journal.position]
        for number in 0..<4 {
            try commit(log, number)
            ends.append(log.journal.position)
        }
        for cut in ends[0]...ends[4] {
            let copy = try directory.copy()
            try POSIXFileSystem().open(copy.path + "/" + Journal.fileName, writable: true).truncate(to: cut)
            #expect(try commitsShown(copy.path) == ends.lastIndex { $0 <= cut })
        }
        let whole = try directory.copy()
        #expect(try commitsShown(whole.path) == 4)
    }

    @Test func aCommitAfterRecoveryStandsOnWhatWasCommitted() throws {
        do {
            let log = try EmbeddedLog.open(at: directory.path, options: EmbeddedLogOptions(durability: .system))
            try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "300"]))
            try log.createTopic(TopicSpecification("u", partitions: 1))
            for number in 0..<4 { try commit(log, number) }
            let journal = try POSIXFileSystem().open(directory.path + "/" + Journal.fileName, writable: true)
            try journal.truncate(to: journal.size() - 1)
        }
        do {
            let log = try EmbeddedLog.open(at: directory.path)
            for number in 3..<8 { try commit(log, number) }
        }
        #expect(try commitsShown(directory.path) == 8)
    }

    @Test func damageInTheMiddleOfTheJournalIsReported() throws {
        let middle: Int
        do {
            let log = try EmbeddedLog.open(at: directory.path, options: EmbeddedLogOptions(durability: .onCommit))
            try log.createTopic(TopicSpecification("t", partitions: 1))
            try log.createTopic(TopicSpecification("u", partitions: 1))
            try commit(log, 0)
            middle = log.journal.position + 30
            try commit(log, 1)
            try commit(log, 2)
        }
        let file = try POSIXFileSystem().open(directory.path + "/" + Journal.fileName, writable: true)
        try [UInt8(0xAA)].withUnsafeBytes { try file.write($0, at: middle) }
        let error = #expect(throws: MillraceError.self) { try EmbeddedLog.open(at: directory.path) }
        #expect(error?.kind == .corruption)
        #expect(error?.message.contains(Journal.fileName) == true)
    }

    /// After a power failure the journal may be on the disk and the data not.
    @Test func commitsWithoutTheirDataAreUndoneAfterAPowerFailure() throws {
        do {
            let log = try EmbeddedLog.open(at: directory.path, options: EmbeddedLogOptions(durability: .system))
            try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "400"]))
            try log.createTopic(TopicSpecification("u", partitions: 1))
            for number in 0..<6 { try commit(log, number) }
        }
        try Array("process 1\nboot another\nopen\n".utf8).withUnsafeBytes { note in
            let lock = try POSIXFileSystem().open(directory.path + "/" + DataDirectory.lockFile, writable: true)
            try lock.truncate(to: 0)
            try lock.write(note, at: 0)
        }
        let data = try POSIXFileSystem().open(directory.path + "/u-0/" + SegmentFiles.name(0, "log"), writable: true)
        let size = try data.size()
        try [UInt8(0)].withUnsafeBytes { try data.write($0, at: size / 6 * 4 + 61) }
        #expect(try commitsShown(directory.path) == 4)
    }

    @Test func damagedRecordsAreReportedWithTheirPlaceAndThoseBeforeThemRead() throws {
        do {
            let log = try EmbeddedLog.open(at: directory.path)
            try log.createTopic(TopicSpecification("t", partitions: 1))
            try log.createTopic(TopicSpecification("u", partitions: 1))
            for number in 0..<3 { try commit(log, number) }
            try log.close()
        }
        let path = directory.path + "/t-0/" + SegmentFiles.name(0, "log")
        let data = try POSIXFileSystem().open(path, writable: true)
        let size = try data.size()
        try [UInt8(0xEE)].withUnsafeBytes { try data.write($0, at: size - 3) }
        let log = try EmbeddedLog.open(at: directory.path)
        let session = try log.openSession(named: "s", group: "g")
        try session.assign([t0: 0])
        let good = try session.poll(maxBytes: 1 << 20, timeout: .zero)
        #expect(try good.flatMap { try decode($0) }.map(\.offset) == [0, 1, 2])
        let error = #expect(throws: MillraceError.self) { try session.poll(maxBytes: 1 << 20, timeout: .zero) }
        #expect(error?.kind == .corruption)
        #expect(error?.message.contains(path) == true)
    }

    @Test func missingRecordsAreReported() throws {
        do {
            let log = try EmbeddedLog.open(at: directory.path)
            try log.createTopic(TopicSpecification("t", partitions: 1))
            try log.createTopic(TopicSpecification("u", partitions: 1))
            try commit(log, 0)
            try log.close()
        }
        let data = try POSIXFileSystem().open(directory.path + "/t-0/" + SegmentFiles.name(0, "log"), writable: true)
        try data.truncate(to: data.size() - 1)
        let error = #expect(throws: MillraceError.self) { try EmbeddedLog.open(at: directory.path) }
        #expect(error?.kind == .corruption)
    }
}
