import Foundation
import MillraceCore
import MillraceFormats
import MillraceSimulator
import MillraceSystem
import Testing

@testable import MillraceLog

/// The machine stops at every single call to the disk, and what was not synced has each of its fates: what is found then is exactly what was promised.
@Suite struct CrashTests {
    private let t = TopicPartition("t", 0)
    private let u = TopicPartition("u", 0)
    private let c = TopicPartition("c", 0)

    /// What the run had been told when it ended.
    private final class Witness {
        var hasTopics = false
        var attempted = 0
        var acknowledged = 0
        /// How many of them a sync in the background had covered.
        var synced = 0
        var closed = false

        /// How many commits must be there after a failure of power: what the table in docs/formats/log.md promises.
        func promised(_ durability: Durability) -> Int {
            switch durability {
            case _ where closed: acknowledged
            case .onCommit: acknowledged
            case .interval: synced
            case .system: 0
            }
        }
    }

    private func options(_ disk: SimulatedFileSystem, _ durability: Durability) -> EmbeddedLogOptions {
        EmbeddedLogOptions(durability: durability, fileSystem: disk, housekeeping: nil)
    }

    /// A short life of a log: topics, commits over several segments, a deletion, retention, compaction, more commits, a clean end.
    private func live(_ disk: SimulatedFileSystem, _ durability: Durability, _ witness: Witness) throws {
        let log = try EmbeddedLog.open(at: "/log", options: options(disk, durability))
        defer { log.abandon() }
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "400"]))
        try log.createTopic(TopicSpecification("u", partitions: 1))
        try log.createTopic(
            TopicSpecification(
                "c", partitions: 1, settings: ["segment.bytes": "250", "cleanup.policy": "compact", "index.interval.bytes": "50"]))
        witness.hasTopics = true
        for number in 0..<8 {
            let session = try log.openSession(named: "s", group: "g")
            witness.attempted = number + 1
            let records = (0...number).map { PlainRecord(key: "k\(number)", value: "v\($0)") }
            let outputs = [
                OutputBatches(partition: t, bytes: try encode(records), recordCount: records.count),
                OutputBatches(partition: u, bytes: try encode([records[0]]), recordCount: 1),
                OutputBatches(partition: c, bytes: try encode([PlainRecord(key: "k\(number % 2)", value: "\(number)")]), recordCount: 1),
            ]
            _ = try session.commit(outputs, offsets: [u: CommittedOffset(Offset(Int64(number + 1)))])
            witness.acknowledged = number + 1
            // The timer of `.interval` would call it at any time.
            if case .interval = durability, number % 3 == 2 {
                log.syncInBackground()
                try log.writer.locked { try log.checkUsable() }
                witness.synced = number + 1
            }
            if number == 4 { try log.deleteRecords(before: [t: 7]) }
            if number == 5 { try log.runCompaction(now: 1000) }
        }
        try log.close()
        witness.closed = true
    }

    /// How many commits a log shows, after checking that it shows nothing but whole ones.
    private func commitsShown(_ disk: SimulatedFileSystem, _ witness: Witness) throws -> Int {
        let log = try EmbeddedLog.open(at: "/log", options: options(disk, .onCommit))
        defer { log.abandon() }
        guard try log.describeTopic("c") != nil else {
            #expect(!witness.hasTopics)
            return 0
        }
        let commits = Int(try log.offsetRange(of: u).upperBound.value)
        #expect(try log.offsetRange(of: c).upperBound.value == Int64(commits))
        let range = try log.offsetRange(of: t)
        #expect(range.upperBound.value == Int64(commits * (commits + 1) / 2))
        #expect(range.lowerBound == 0 || range.lowerBound == 7)
        let expected = (0..<commits).flatMap { number in (0...number).map { PlainRecord(key: "k\(number)", value: "v\($0)") } }
        #expect(try log.readAll(t).map(\.record) == Array(expected[Int(range.lowerBound.value)...]))
        #expect(try log.readAll(u).count == commits)
        #expect(try log.committedOffsets(of: "g", for: [u])[u]?.offset.value == (commits == 0 ? nil : Int64(commits)))
        var last: [String?: String?] = [:]
        for (offset, record) in try log.readAll(c) {
            #expect(record.value == "\(offset)")
            last[record.key] = record.value
        }
        for number in max(0, commits - 2)..<commits { #expect(last["k\(number % 2)"] == "\(number)") }
        // It also goes on from there.
        try log.write([PlainRecord(key: "after", value: "all")], to: u)
        #expect(try log.readAll(u).count == commits + 1)
        return commits
    }

    /// Lets the machine stop at every call, or at every so many, on disks that `prepare` may spoil.
    private func crashAtEveryCall(_ durability: Durability, step: Int = 1, prepare: (SimulatedFileSystem) -> Void = { _ in }) throws {
        let whole = SimulatedFileSystem()
        let witness = Witness()
        try live(whole, durability, witness)
        #expect(witness.closed)
        for call in stride(from: 1, through: whole.calls + 1, by: step) {
            let disk = SimulatedFileSystem()
            prepare(disk)
            disk.crash(atCall: call)
            let witness = Witness()
            // Where the log only makes the best of it, such as in tidying up, the crash shows later or not at all.
            try? live(disk, durability, witness)
            for fate in SimulatedFileSystem.Fate.allCases {
                let shown = try commitsShown(disk.afterCrash(fate, seed: UInt64(call)), witness)
                #expect(shown <= witness.attempted, "call \(call), \(fate)")
                #expect(shown >= witness.promised(durability), "call \(call), \(fate)")
                if fate == .kept { #expect(shown >= witness.acknowledged, "call \(call)") }
            }
            // A killed process, on a machine that goes on, loses nothing at any level.
            let shown = try commitsShown(disk.copy(), witness)
            #expect(shown >= witness.acknowledged && shown <= witness.attempted, "call \(call), killed")
        }
    }

    @Test(arguments: [Durability.onCommit, .interval(.seconds(3600)), .system])
    func aCrashAtEveryCallKeepsWhatWasPromised(_ durability: Durability) throws {
        try crashAtEveryCall(durability)
    }

    /// The canaries: what the test above is worth. A disk that lies about syncs, or a log that leaves one out, must not pass it.
    @Test(arguments: ["", "millrace.journal", ".log"])
    func aSyncThatIsNotDoneIsNoticed(_ part: String) throws {
        withKnownIssue {
            try crashAtEveryCall(.onCommit, step: 11) { disk in disk.forgetSyncs { part.isEmpty || $0.contains(part) } }
        }
    }

    @Test func theTimerSyncs() throws {
        let disk = SimulatedFileSystem()
        let log = try EmbeddedLog.open(
            at: "/log", options: EmbeddedLogOptions(durability: .interval(.milliseconds(1)), fileSystem: disk, housekeeping: nil))
        try log.createTopic(TopicSpecification("u", partitions: 1))
        try log.write([PlainRecord(value: "one")], to: u)
        let end = log.writer.locked { log.journal.position }
        while log.writer.locked({ log.journal.syncedPosition < end }) { usleep(1000) }
        log.abandon()
        let again = try EmbeddedLog.open(at: "/log", options: options(disk.afterCrash(.lost), .system))
        #expect(try again.readAll(u).map(\.record.value) == ["one"])
    }

    @Test func afterAFailedSyncNothingIsAcknowledged() throws {
        let disk = SimulatedFileSystem()
        let log = try EmbeddedLog.open(at: "/log", options: options(disk, .onCommit))
        try log.createTopic(TopicSpecification("u", partitions: 1))
        try log.write([PlainRecord(value: "one")], to: u)
        disk.failNextSync()
        #expect(throws: MillraceError.self) { try log.write([PlainRecord(value: "two")], to: u) }
        #expect(throws: MillraceError.self) { try log.write([PlainRecord(value: "three")], to: u) }
        #expect(try log.offsetRange(of: u).upperBound == 1)
        log.abandon()
        let again = try EmbeddedLog.open(at: "/log", options: options(disk.afterCrash(.lost), .onCommit))
        #expect(try again.readAll(u).map(\.record.value) == ["one"])
    }

    @Test func aFullDiskStopsCommitsUntilThereIsSpace() throws {
        let disk = SimulatedFileSystem()
        let log = try EmbeddedLog.open(at: "/log", options: options(disk, .onCommit))
        try log.createTopic(TopicSpecification("u", partitions: 1))
        try log.write([PlainRecord(value: "one")], to: u)
        for space in [0, 40, 100, 130] {
            disk.setSpace(space)
            let error = #expect(throws: MillraceError.self) {
                try log.write([PlainRecord(value: String(repeating: "x", count: 90))], to: u)
            }
            #expect(error?.isRetriable == true)
            #expect(try log.readAll(u).count == 1)
        }
        disk.setSpace(.max)
        try log.write([PlainRecord(value: "two")], to: u)
        #expect(try log.readAll(u).map(\.record.value) == ["one", "two"])
    }
}
