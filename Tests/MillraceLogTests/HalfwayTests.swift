import MillraceCore
import MillraceSimulator
import Synchronization
import Testing

@testable import MillraceLog

/// What else is going on when a change fails half-way, or takes away what others use.
@Suite struct HalfwayTests {
    private let t = TopicPartition("t", 0)
    private let u = TopicPartition("u", 0)

    private func open(_ disk: SimulatedFileSystem, maximumOpenFiles: Int = 1000) throws -> EmbeddedLog {
        try EmbeddedLog.open(
            at: "/log",
            options: EmbeddedLogOptions(durability: .system, fileSystem: disk, housekeeping: nil, maximumOpenFiles: maximumOpenFiles))
    }

    private func options(_ disk: SimulatedFileSystem) -> EmbeddedLogOptions {
        EmbeddedLogOptions(durability: .system, fileSystem: disk, housekeeping: nil)
    }

    private func output(_ partition: TopicPartition, _ records: [PlainRecord]) throws -> OutputBatches {
        OutputBatches(partition: partition, bytes: try encode(records, batchSize: 1), recordCount: records.count)
    }

    /// What a topic has not synced yet is nobody's concern when it is deleted.
    @Test(arguments: [1, 1000])
    func aTopicIsDeletedThatWasJustWrittenTo(_ maximumOpenFiles: Int) throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk, maximumOpenFiles: maximumOpenFiles)
        for name in ["t", "u"] { try log.createTopic(TopicSpecification(name, partitions: 3)) }
        for number in 0..<3 { try log.write([PlainRecord(value: "gone")], to: TopicPartition("t", Partition(number))) }
        try log.write([PlainRecord(value: "one")], to: u)
        try log.deleteTopic("t")
        log.syncInBackground()
        try log.write([PlainRecord(value: "two")], to: u)
        try log.close()
        #expect(try open(disk.afterCrash(.lost)).readAll(u).map(\.record.value) == ["one", "two"])
    }

    @Test(arguments: [1, 1000])
    func aTopicIsDeletedThatIsBeingSynced(_ maximumOpenFiles: Int) throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk, maximumOpenFiles: maximumOpenFiles)
        for name in ["t", "u"] { try log.createTopic(TopicSpecification(name, partitions: 3)) }
        for number in 0..<3 { try log.write([PlainRecord(value: "gone")], to: TopicPartition("t", Partition(number))) }
        try log.write([PlainRecord(value: "one")], to: u)
        let isDeleted = Mutex(false)
        disk.beforeEachSync {
            let isFirst = isDeleted.withLock { done in
                defer { done = true }
                return !done
            }
            if isFirst { #expect(throws: Never.self) { try log.deleteTopic("t") } }
        }
        log.syncInBackground()
        disk.beforeEachSync(nil)
        #expect(isDeleted.withLock { $0 })
        #expect(!disk.exists("/log/t-0"))
        try log.write([PlainRecord(value: "two")], to: u)
        try log.close()
    }

    /// Whoever reads a topic that is deleted does not make its files anew.
    @Test func theReaderOfADeletedTopicIsTold() throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk, maximumOpenFiles: 1)
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "200"]))
        for number in 0..<9 { try log.write([PlainRecord(value: "\(number)")], to: t) }
        let segments = try log.existingPartition(t).segments
        #expect(segments.count > 2)
        try log.deleteTopic("t")
        try log.createTopic(TopicSpecification("t", partitions: 1))
        #expect(throws: MillraceError.self) { for segment in segments { _ = try segment.file.size() } }
        #expect(try !disk.list("/log/t-0").contains { $0.hasSuffix(".log") })
    }

    /// The disk fills up while a topic is made: then it can be made later, unless the disk was too full to take it back. Then the next change completes it.
    @Test func aTopicIsMadeOrNot() throws {
        var space = 0
        var failures = 0
        while true {
            let disk = SimulatedFileSystem()
            let log = try open(disk)
            try log.createTopic(TopicSpecification("u", partitions: 1))
            disk.setSpace(space)
            try? log.createTopic(TopicSpecification("t", partitions: 3))
            if try log.describeTopic("t") != nil { break }
            failures += 1
            space += 7
            disk.setSpace(.max)
            do {
                try log.createTopic(TopicSpecification("t", partitions: 2))
            } catch {
                #expect(try log.describeTopic("t")?.partitions == 3)
            }
            let made = try #require(try log.describeTopic("t"))
            try log.write([PlainRecord(value: "one")], to: t)
            try log.close()
            let again = try open(disk.afterCrash(.lost))
            #expect(try again.listTopics() == ["t", "u"])
            #expect(try again.describeTopic("t") == made)
            #expect(try again.readAll(t).count == 1)
        }
        #expect(failures > 10)
    }

    @Test func partitionsAreAddedOrNot() throws {
        var space = 0
        while true {
            let disk = SimulatedFileSystem()
            let log = try open(disk)
            try log.createTopic(TopicSpecification("t", partitions: 1))
            try log.write([PlainRecord(value: "one")], to: t)
            disk.setSpace(space)
            try? log.addPartitions(to: "t", count: 4)
            if try log.describeTopic("t")?.partitions == 4 { break }
            space += 7
            disk.setSpace(.max)
            do {
                try log.addPartitions(to: "t", count: 3)
            } catch {
                #expect(try log.describeTopic("t")?.partitions == 4)
            }
            try log.write([PlainRecord(value: "two")], to: TopicPartition("t", 2))
            #expect(try log.readAll(t).count == 1)
            try log.close()
        }
        #expect(space > 70)
    }

    /// The disk is full when a commit stands and its index is to be written: then the other partitions of the commit stand as well.
    @Test func anIndexThatCannotBeWrittenHarmsNobody() throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk)
        let settings = ["index.interval.bytes": "0", "segment.bytes": "100000"]
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: settings))
        try log.createTopic(TopicSpecification("u", partitions: 1))
        let records = (0..<600).map { PlainRecord(value: "\($0)", time: Int64($0)) }
        let session = try log.openSession(named: "both", group: "g")
        // Enough for the records and the journal, and not for an index of 600 entries.
        let data = try encode(records, batchSize: 1).count
        disk.setSpace(data + 500)
        _ = try session.commit([output(t, records), output(u, [PlainRecord(value: "one")])], offsets: [:])
        #expect(throws: MillraceError.self) { try log.write([PlainRecord(value: String(repeating: "x", count: 9000))], to: u) }
        disk.setSpace(.max)
        try log.write([PlainRecord(value: "two")], to: u)
        #expect(try log.existingPartition(u).segments.count == 1)
        #expect(try log.readAll(u).map(\.record.value) == ["one", "two"])
        #expect(try log.readAll(t).count == 600)
        try log.close()
        let again = try open(disk.afterCrash(.lost))
        #expect(try again.readAll(u).map(\.record.value) == ["one", "two"])
        #expect(try again.readAll(t, from: 300).first?.offset == 300)
    }

    /// An observer that could not open a file when it looked misses nothing the next time.
    @Test func whatAnObserverCouldNotShowItShowsLater() throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk)
        for name in ["t", "u"] { try log.createTopic(TopicSpecification(name, partitions: 1, settings: ["segment.bytes": "200"])) }
        let observer = try EmbeddedLog.observe(at: "/log", options: EmbeddedLogOptions(fileSystem: disk, housekeeping: nil))
        var failures = 0
        for limit in 0..<40 {
            for partition in [t, u] { try log.write([PlainRecord(value: String(repeating: "x", count: 150))], to: partition) }
            disk.setOpenFileLimit(limit)
            do { try observer.refresh() } catch { failures += 1 }
            disk.setOpenFileLimit(.max)
            try observer.refresh()
            for partition in [t, u] { #expect(try observer.offsetRange(of: partition) == log.offsetRange(of: partition), "limit \(limit)") }
        }
        #expect(failures > 5)
    }

    /// The index of a segment goes, as after retention, in the moment in which it is looked something up.
    @Test func anIndexThatGoesWhileItIsLookedUpIsDoneWithout() throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk)
        try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["index.interval.bytes": "0"]))
        for number in 0..<9 { try log.write([PlainRecord(value: "\(number)", time: Int64(number))], to: t) }
        try log.close()
        let again = try open(disk)
        let isGone = Mutex(false)
        let segment = "/log/t-0/00000000000000000000."
        disk.beforeEachCall {
            let isFirst = isGone.withLock { gone in
                defer { gone = true }
                return !gone
            }
            if isFirst { for kind in ["index", "timeindex"] { try? disk.remove(segment + kind) } }
        }
        #expect(try again.offset(for: t, at: 5) == 5)
        #expect(isGone.withLock { $0 })
        #expect(try again.readAll(t, from: 7).map(\.record.value) == ["7", "8"])
    }

    /// Without the list, or with that of an old backup, a new topic would be taken for an old one.
    @Test(arguments: [true, false])
    func aListOfTopicsThatIsMissingOrOldIsNoticed(isMissing: Bool) throws {
        let disk = SimulatedFileSystem()
        let log = try EmbeddedLog.open(at: "/log", options: options(disk))
        try log.createTopic(TopicSpecification("a", partitions: 1))
        let list = "/log/" + TopicCatalogue.fileName
        let old = try #require(try disk.contents(of: list))
        try log.createTopic(TopicSpecification("b", partitions: 1))
        try log.write([PlainRecord(value: "one")], to: TopicPartition("b", 0))
        try log.close()
        if isMissing {
            try disk.remove(list)
        } else {
            try disk.replace(list, with: String(decoding: old, as: UTF8.self), in: "/log")
        }
        for observes in [false, true] {
            let error = #expect(throws: MillraceError.self) {
                _ =
                    try observes
                    ? EmbeddedLog.observe(at: "/log", options: options(disk)) : EmbeddedLog.open(at: "/log", options: options(disk))
            }
            #expect(error?.kind == .corruption)
            #expect(error?.message.contains(list) == true)
        }
    }

    /// Who only looks notices as well that a log which was closed has lost its last commits.
    @Test func aJournalThatWasCutOffIsNoticedByAnObserver() throws {
        let disk = SimulatedFileSystem()
        let log = try open(disk)
        try log.createTopic(TopicSpecification("t", partitions: 1))
        for number in 0..<5 { try log.write([PlainRecord(value: "\(number)")], to: t) }
        try log.close()
        #expect(throws: Never.self) { try EmbeddedLog.observe(at: "/log", options: options(disk)) }
        let path = "/log/" + Journal.fileName
        let length = try #require(disk.contents.first { $0.path == path }).byteCount
        try disk.open(path, writable: true).truncate(to: length - 1)
        let error = #expect(throws: MillraceError.self) { try EmbeddedLog.observe(at: "/log", options: options(disk)) }
        #expect(error?.kind == .corruption)
    }
}
