import MillraceCore
import MillraceSimulator
import MillraceSystem
import Synchronization
import Testing

@testable import MillraceLog

/// Commits of several threads share the wait for the disk.
@Suite struct GroupCommitTests {
    private let t = TopicPartition("t", 0)

    /// Lets syncs wait until the test says go.
    private final class Gate: @unchecked Sendable {
        private let monitor = Monitor()
        private let changed: Condition
        private var isShut = false

        init() { changed = Condition(of: monitor) }

        func set(shut: Bool) {
            monitor.locked {
                isShut = shut
                changed.signal()
            }
        }

        func pass() { monitor.locked { while isShut { changed.wait() } } }
    }

    private func makeLog(_ disk: SimulatedFileSystem, _ durability: Durability = .onCommit) throws -> EmbeddedLog {
        let log = try EmbeddedLog.open(
            at: "/log", options: EmbeddedLogOptions(durability: durability, fileSystem: disk, housekeeping: nil))
        try log.createTopic(TopicSpecification("t", partitions: 1))
        return log
    }

    private func commit(_ log: EmbeddedLog, by name: String, _ record: PlainRecord) throws -> Offset {
        let session = try log.openSession(named: name, group: name)
        let output = OutputBatches(partition: t, bytes: try encode([record]), recordCount: 1)
        return try session.commit([output], offsets: [t: CommittedOffset(7)])[0]
    }

    /// Runs `count` commits of threads of their own while the disk holds up the first, and returns what they threw or were given.
    private func commitAtOnce(
        _ log: EmbeddedLog, _ disk: SimulatedFileSystem, _ count: Int, record: @escaping @Sendable (Int) -> PlainRecord
    )
        -> [Result<Offset, any Error>]
    {
        let gate = Gate()
        gate.set(shut: true)
        disk.beforeEachSync { gate.pass() }
        let results = Mutex<[Int: Result<Offset, any Error>]>([:])
        // Sessions are opened before, as that waits for the commit under way.
        let sessions = (0..<count).compactMap { try? log.openSession(named: "s\($0)", group: "g\($0)") }
        let threads = sessions.enumerated().map { number, session in
            let box = SessionBox(session)
            let thread = BackgroundThread {
                let result = Result { () throws -> Offset in
                    let output = OutputBatches(partition: TopicPartition("t", 0), bytes: try encode([record(number)]), recordCount: 1)
                    return try box.session.commit([output], offsets: [TopicPartition("t", 0): CommittedOffset(Offset(Int64(number)))])[0]
                }
                results.withLock { $0[number] = result }
            }
            // The first is alone at the disk, and all others wait for it together.
            if number == 0 { while !log.commits.isBusyNow {} }
            return thread
        }
        while log.commits.waitingCount < count - 1 {}
        disk.beforeEachSync(nil)
        gate.set(shut: false)
        for thread in threads { thread.join() }
        return results.withLock { results in (0..<count).compactMap { results[$0] } }
    }

    private struct SessionBox: @unchecked Sendable {
        let session: any TransportSession
        init(_ session: any TransportSession) { self.session = session }
    }

    @Test func thoseThatComeAtOnceShareTheSyncs() throws {
        let disk = SimulatedFileSystem()
        let log = try makeLog(disk)
        // The first of all also makes the segment.
        _ = try commit(log, by: "first", PlainRecord(value: "first"))
        let alone = disk.syncs
        _ = try commit(log, by: "second", PlainRecord(value: "second"))
        let each = disk.syncs - alone
        let before = disk.syncs
        let results = commitAtOnce(log, disk, 9) { PlainRecord(value: "\($0)") }
        #expect(Set(try results.map { try $0.get().value }) == Set(2..<11))
        #expect(disk.syncs - before == 2 * each)
        #expect(Set(try log.readAll(t).map(\.record.value)) == Set(["first", "second"] + (0..<9).map { "\($0)" }))
        for number in 0..<9 { #expect(log.committedOffsets(of: "g\(number)")[t]?.offset.value == Int64(number)) }
        log.abandon()
        let again = try EmbeddedLog.open(at: "/log", options: EmbeddedLogOptions(fileSystem: disk.afterCrash(.lost), housekeeping: nil))
        #expect(try again.readAll(t).count == 11)
    }

    @Test func oneThatCannotBeMadeDoesNotStopTheOthers() throws {
        let disk = SimulatedFileSystem()
        let log = try makeLog(disk)
        try log.alterTopic("t", settings: ["max.message.bytes": "500"])
        let results = commitAtOnce(log, disk, 5) { PlainRecord(value: $0 == 3 ? String(repeating: "x", count: 1000) : "\($0)") }
        for (number, result) in results.enumerated() {
            if number == 3 {
                #expect(throws: MillraceError.self) { try result.get() }
            } else {
                _ = try result.get()
            }
        }
        #expect(Set(try log.readAll(t).map(\.record.value)) == ["0", "1", "2", "4"])
        #expect(try log.offsetRange(of: t) == 0..<4)
        #expect(log.committedOffsets(of: "g3").isEmpty)
    }

    @Test func afterAFailedSyncNoneOfThemCounts() throws {
        let disk = SimulatedFileSystem()
        let log = try makeLog(disk)
        disk.failNextSync()
        for result in commitAtOnce(log, disk, 4, record: { PlainRecord(value: "\($0)") }) {
            #expect(throws: MillraceError.self) { try result.get() }
        }
        #expect(try log.offsetRange(of: t) == 0..<0)
    }

    /// A disk that takes its time over a sync in the background holds up neither commits nor readers.
    @Test func aSlowSyncInTheBackgroundHoldsUpNobody() throws {
        let disk = SimulatedFileSystem()
        let log = try makeLog(disk, .interval(.seconds(3600)))
        _ = try commit(log, by: "a", PlainRecord(value: "one"))
        let gate = Gate()
        gate.set(shut: true)
        disk.beforeEachSync { gate.pass() }
        let syncing = BackgroundThread { log.syncInBackground() }
        _ = try commit(log, by: "a", PlainRecord(value: "two"))
        #expect(try log.readAll(t).map(\.record.value) == ["one", "two"])
        disk.beforeEachSync(nil)
        gate.set(shut: false)
        syncing.join()
        log.abandon()
    }
}
