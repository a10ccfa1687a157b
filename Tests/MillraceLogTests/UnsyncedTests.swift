import MillraceCore
import MillraceFormats
import MillraceSimulator
import Testing

@testable import MillraceLog

/// What a process wrote and did not sync before it was killed, when the power fails later, under the process after it.
@Suite struct UnsyncedTests {
    private let t = TopicPartition("t", 0)
    private let u = TopicPartition("u", 0)

    private func open(_ disk: SimulatedFileSystem, _ durability: Durability, clock: (any WallClock)? = nil) throws -> EmbeddedLog {
        try EmbeddedLog.open(
            at: "/log", options: EmbeddedLogOptions(durability: durability, fileSystem: disk, clock: clock, housekeeping: nil))
    }

    @Test func commitsOfAKilledProcessAreSyncedWithTheNext() throws {
        let disk = SimulatedFileSystem()
        var log = try open(disk, .system)
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "200"]))
        try log.createTopic(TopicSpecification("u", partitions: 1))
        for number in 0..<8 { try log.write([PlainRecord(value: "before \(number)")], to: t) }
        log.abandon()
        disk.restartProcess()
        log = try open(disk, .onCommit)
        // Two, since only the second one's entry says that the first one's is on the disk.
        try log.write([PlainRecord(value: "one")], to: u)
        try log.write([PlainRecord(value: "two")], to: u)
        log.abandon()
        for fate in SimulatedFileSystem.Fate.allCases {
            let again = try open(disk.afterCrash(fate), .onCommit)
            #expect(try again.readAll(t).count == 8)
            #expect(try again.readAll(u).count == 2)
            again.abandon()
        }
    }

    /// The process dies in a commit, at every call; the next one begins a segment behind what is left of it, and the power fails: nothing of that commit comes back.
    @Test(arguments: [90, 300]) func aCommitThatFailedDoesNotComeBackBelowASegment(segmentBytes: Int) throws {
        func start() throws -> (disk: SimulatedFileSystem, log: EmbeddedLog) {
            let disk = SimulatedFileSystem()
            let log = try open(disk, .onCommit)
            try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "\(segmentBytes)"]))
            try log.createTopic(TopicSpecification("u", partitions: 1))
            try log.write([PlainRecord(value: "before")], to: t)
            // Nobody asks for the first one any more.
            for _ in 0..<2 { try log.write([PlainRecord(value: "other")], to: u) }
            return (disk, log)
        }
        // Behind one batch of the last segment, and with segments of their own.
        let half = (0..<3).map { PlainRecord(value: "half \($0)") }
        let (whole, log) = try start()
        let first = whole.calls
        try log.write(half, to: t, batchSize: 1)
        for call in first...whole.calls {
            var (disk, log) = try start()
            disk.crash(atCall: call)
            _ = try? log.write(half, to: t, batchSize: 1)
            log.abandon()
            disk.restartProcess()
            log = try open(disk, .onCommit)
            let there = try log.readAll(t).map(\.record.value)
            let long = String(repeating: "x", count: segmentBytes)
            for _ in 0..<4 { try log.write([PlainRecord(value: long)], to: t) }
            log.abandon()
            for fate in SimulatedFileSystem.Fate.allCases {
                for seed in 1...UInt64(fate == .torn ? 5 : 1) {
                    let again = try open(disk.afterCrash(fate, seed: seed), .onCommit)
                    #expect(try again.readAll(t).map(\.record.value) == there + Array(repeating: long, count: 4), "call \(call), \(fate)")
                    again.abandon()
                }
            }
        }
    }

    /// A commit fails while nothing can be removed either, and others follow: it does not come back when the log is opened again.
    @Test(arguments: [90, 300]) func aCommitThatFailedDoesNotComeBackWithoutACrash(segmentBytes: Int) throws {
        for space in stride(from: 0, to: 400, by: 7) {
            let disk = SimulatedFileSystem()
            let log = try open(disk, .onCommit)
            try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "\(segmentBytes)"]))
            try log.write([PlainRecord(value: "before")], to: t)
            disk.setSpace(space)
            disk.refuseToRemove(true)
            _ = try? log.write((0..<3).map { PlainRecord(value: "half \($0)") }, to: t, batchSize: 1)
            disk.setSpace(.max)
            disk.refuseToRemove(false)
            let there = try log.readAll(t).map(\.record.value)
            let long = String(repeating: "x", count: segmentBytes)
            do { for _ in 0..<4 { try log.write([PlainRecord(value: long)], to: t) } } catch {
                // The journal may be such that only a restart tells what counts.
                log.abandon()
                continue
            }
            log.abandon()
            disk.restartProcess()
            let again = try open(disk, .onCommit)
            #expect(try again.readAll(t).map(\.record.value) == there + Array(repeating: long, count: 4), "\(space) bytes")
            again.abandon()
        }
    }

    /// Nothing waits for the small files of a topic that is made; when the log is opened after a failure of power they are whole all the same.
    @Test(arguments: SimulatedFileSystem.Fate.allCases) func theSmallFilesOfATopicAreWrittenAgain(fate: SimulatedFileSystem.Fate) throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk, .onCommit)
        try log.createTopic(TopicSpecification("t", partitions: 2))
        let id = try #require(try log.describeTopic("t")?.id)
        log.abandon()
        let crashed = disk.afterCrash(fate)
        let again = try open(crashed, .onCommit)
        defer { again.abandon() }
        for partition in 0..<2 {
            for (name, text) in [
                (PartitionMetadata.fileName, PartitionMetadata(topicID: id).text),
                (LeaderEpochs.fileName, LeaderEpochs([.init(epoch: 0, startOffset: 0)]).text),
            ] {
                #expect(try crashed.contents(of: "/log/t-\(partition)/\(name)") == Array(text.utf8), "\(name)")
            }
        }
    }

    /// The process dies while it makes a topic, at every call; the next one uses the topic, and the power fails.
    @Test func theDirectoryOfATopicThatWasBeingMadeIsThereForGood() throws {
        let whole = SimulatedFileSystem()
        let log = try open(whole, .onCommit)
        let start = whole.calls
        try log.createTopic(TopicSpecification("t", partitions: 2))
        for call in start...whole.calls {
            let disk = SimulatedFileSystem()
            var log = try open(disk, .onCommit)
            disk.crash(atCall: call)
            #expect(throws: MillraceError.self) { try log.createTopic(TopicSpecification("t", partitions: 2)) }
            log.abandon()
            disk.restartProcess()
            log = try open(disk, .onCommit)
            if try log.describeTopic("t") == nil { try log.createTopic(TopicSpecification("t", partitions: 2)) }
            try log.write([PlainRecord(value: "one")], to: t)
            log.abandon()
            let again = try open(disk.afterCrash(.lost), .onCommit)
            #expect(try again.readAll(t).map(\.record.value) == ["one"], "call \(call)")
            again.abandon()
        }
    }

    /// The process that finds what a failure of power has left dies at every call of its start; the one after it must still ask what is there.
    @Test func aStartThatIsKilledLeavesTheQuestionOpen() throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk, .system)
        try log.createTopic(TopicSpecification("t", partitions: 1))
        for number in 0..<8 { try log.write([PlainRecord(value: String(repeating: "\(number)", count: 300))], to: t) }
        log.abandon()
        for seed in 1...8 as ClosedRange<UInt64> {
            let whole = disk.afterCrash(.torn, seed: seed)
            try open(whole, .system).abandon()
            for call in 1...whole.calls {
                let torn = disk.afterCrash(.torn, seed: seed)
                torn.crash(atCall: call)
                // Where the call was one that may fail, the log opens all the same.
                do { try open(torn, .system).abandon() } catch let error as MillraceError where error.kind == .transport {}
                torn.restartProcess()
                let again = try open(torn, .system)
                #expect(try again.describeTopic("t") == nil || again.readAll(t).count == again.offsetRange(of: t).upperBound.value)
                again.abandon()
            }
        }
    }

    /// Indexes are not synced: one that a failure of power has left empty or full of zeros must not make records look old.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func retentionDoesNotTrustAnIndexThatWasLost(_ seed: UInt64) throws {
        let disk = SimulatedFileSystem(seed: seed)
        let log = try open(disk, .onCommit)
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "200", "retention.ms": "1000"]))
        let now: Int64 = 1_700_000_000_000
        for number in 0..<8 { try log.write([PlainRecord(value: "\(number)", time: now)], to: t) }
        log.abandon()
        let again = try open(disk.afterCrash(.torn, seed: seed), .onCommit)
        try again.runRetention(now: Timestamp(milliseconds: now + 1000))
        #expect(try again.readAll(t).count == 8)
        again.abandon()
    }

    @Test func aMissingFirstSegmentIsReported() throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk, .onCommit)
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "200"]))
        for number in 0..<8 { try log.write([PlainRecord(value: "\(number)")], to: t) }
        log.abandon()
        disk.restartProcess()
        try disk.remove("/log/t-0/00000000000000000000.log")
        let error = #expect(throws: MillraceError.self) { try open(disk, .onCommit) }
        #expect(error?.kind == .corruption)
        #expect(error?.message.contains("00000000000000000000.log") ?? false)
    }
}
