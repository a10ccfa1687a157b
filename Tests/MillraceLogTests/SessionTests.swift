import Foundation
import MillraceCore
import MillraceFormats
import MillraceSystem
import Synchronization
import Testing

@testable import MillraceLog

@Suite struct SessionTests {
    let directory: TemporaryDirectory
    let log: EmbeddedLog
    let t0 = TopicPartition("t", 0)
    let t1 = TopicPartition("t", 1)

    init() throws {
        directory = try TemporaryDirectory()
        log = try EmbeddedLog.open(at: directory.path)
        try log.createTopic(TopicSpecification("t", partitions: 2))
    }

    @Test func aNewerSessionFencesTheOlder() throws {
        let old = try log.openSession(named: "worker", group: "g")
        try old.assign([t0: 0])
        _ = try log.openSession(named: "worker", group: "g")
        let error = #expect(throws: MillraceError.self) {
            try old.commit([OutputBatches(partition: t0, bytes: try encode([PlainRecord()]), recordCount: 1)], offsets: [:])
        }
        #expect(error?.kind == .fenced)
        #expect(throws: MillraceError.self) { try old.poll(maxBytes: 100, timeout: .zero) }
        #expect(try log.offsetRange(of: t0) == 0..<0)
    }

    @Test func aFailedCommitLeavesNothing() throws {
        try log.write([PlainRecord(value: "before")], to: t0)
        let session = try log.openSession(named: "s", group: "g")
        let good = OutputBatches(partition: t0, bytes: try encode([PlainRecord(value: "lost")]), recordCount: 1)
        let broken = ByteBuffer()
        broken.append([1, 2, 3])
        for bad in [
            OutputBatches(partition: t1, bytes: broken, recordCount: 1),
            OutputBatches(partition: TopicPartition("t", 9), bytes: good.bytes, recordCount: 1),
        ] {
            #expect(throws: MillraceError.self) { try session.commit([good, bad], offsets: [t0: CommittedOffset(1)]) }
        }
        #expect(log.committedOffsets(of: "g").isEmpty)
        #expect(try session.commit([good], offsets: [:]) == [1])
        #expect(try log.readAll(t0).map(\.record.value) == ["before", "lost"])
    }

    @Test func aWaitingPollIsWokenByACommitAndByWake() throws {
        let session = SendableSession(try log.openSession(named: "waiting", group: "g"))
        try session.value.assign([t0: 0])
        // What each poll found, and whether it came back long before its time was over.
        let polls = Mutex<[(batches: Int, wasWoken: Bool)]>([])
        let answered = DispatchSemaphore(value: 0)
        let thread = BackgroundThread {
            for _ in 0...20 {
                let start = Condition.now()
                let fetched = try? session.value.poll(maxBytes: 1000, timeout: .seconds(60))
                polls.withLock { $0.append((fetched?.count ?? -1, Condition.now() - start < 30_000_000_000)) }
                answered.signal()
            }
        }
        let writer = try log.openSession(named: "writer", group: "g")
        for _ in 0..<20 {
            Thread.sleep(forTimeInterval: 0.002)
            _ = try writer.commit(
                [OutputBatches(partition: t0, bytes: try encode([PlainRecord(value: "x")]), recordCount: 1)], offsets: [:])
            answered.wait()
        }
        Thread.sleep(forTimeInterval: 0.005)
        session.value.wake()
        thread.join()
        let found = polls.withLock { $0 }
        #expect(found.map(\.batches) == Array(repeating: 1, count: 20) + [0])
        #expect(found.filter { !$0.wasWoken }.isEmpty)
    }

    @Test func aPollWithoutRecordsEndsInTime() throws {
        let session = try log.openSession(named: "s", group: "g")
        try session.assign([t0: 0])
        let start = Condition.now()
        #expect(try session.poll(maxBytes: 100, timeout: .milliseconds(20)).isEmpty)
        #expect(Condition.now() - start >= 20_000_000)
        session.wake()
        #expect(try session.poll(maxBytes: 100, timeout: .seconds(60)).isEmpty)
    }

    @Test func partitionsTakeTurnsAndPausedOnesWait() throws {
        let many = (0..<1000).map { PlainRecord(value: "\($0)") }
        try log.write(many, to: t0, batchSize: 500)
        try log.write(many, to: t1, batchSize: 500)
        let session = try log.openSession(named: "s", group: "g")
        try session.assign([t0: 0, t1: 0])
        var order: [TopicPartition] = []
        for _ in 0..<6 { order += try session.poll(maxBytes: 2000, timeout: .zero).map(\.partition) }
        #expect(order == [t0, t1, t0, t1, t0, t1])
        session.pause(t0)
        #expect(Set(try session.poll(maxBytes: 2000, timeout: .zero).map(\.partition)) == [t1])
        session.resume(t0)
        #expect(try session.poll(maxBytes: 1 << 20, timeout: .zero).count == 2)
        #expect(throws: MillraceError.self) { try session.assign([t0: 1001]) }
    }

    @Test func aBatchLongerThanAskedForIsReadWhole() throws {
        let long = String(repeating: "x", count: 200_000)
        try log.write([PlainRecord(value: long), PlainRecord(value: "after")], to: t0, batchSize: 100)
        let session = try log.openSession(named: "s", group: "g")
        try session.assign([t0: 0])
        let first = try session.poll(maxBytes: 10, timeout: .zero)
        #expect(try decode(first[0]).map(\.record.value) == [long])
        #expect(first[0].nextOffset == 1 && first[0].endOffset == 2)
        #expect(try decode(try session.poll(maxBytes: 10, timeout: .zero)[0]).map(\.record.value) == ["after"])
    }

    @Test func aReaderInTheMiddleOfABatchGetsTheWholeBatch() throws {
        try log.write((0..<10).map { PlainRecord(value: "\($0)") }, to: t0)
        #expect(try log.readAll(t0, from: 7).map(\.offset) == [7, 8, 9])
    }

    @Test func blocksLiveAsLongAsTheirOwner() throws {
        let session = try log.openSession(named: "s", group: "g")
        try session.assign([t0: 0])
        var kept: [FetchedBatches] = []
        for number in 0..<20 {
            try log.write([PlainRecord(value: "\(number)")], to: t0)
            kept += try session.poll(maxBytes: 1000, timeout: .zero)
        }
        #expect(try kept.flatMap { try decode($0) }.map(\.record.value) == (0..<20).map { "\($0)" })
    }

    @Test func manySessionsCommitAtOnce() throws {
        let log = log
        let threads = (0..<4).map { number in
            BackgroundThread {
                guard let session = try? log.openSession(named: "s\(number)", group: "g\(number)") else { return }
                for round in 0..<50 {
                    guard let bytes = try? encode([PlainRecord(key: "\(number)", value: "\(round)")]) else { return }
                    let target = TopicPartition("t", Int32(round % 2))
                    _ = try? session.commit(
                        [OutputBatches(partition: target, bytes: bytes, recordCount: 1)],
                        offsets: [target: CommittedOffset(Offset(Int64(round)))])
                }
            }
        }
        for thread in threads { thread.join() }
        let all = try log.readAll(t0) + log.readAll(t1)
        #expect(all.count == 200)
        for number in 0..<4 {
            for partition in 0..<2 {
                let mine = try log.readAll(TopicPartition("t", Int32(partition))).filter { $0.record.key == "\(number)" }.compactMap {
                    Int($0.record.value ?? "")
                }
                #expect(mine == mine.sorted() && mine.count == 25)
            }
            #expect(log.committedOffsets(of: "g\(number)")[t1]?.offset == 49)
        }
    }
}

/// A session that a test hands to the one thread that uses it.
struct SendableSession: @unchecked Sendable {
    let value: any TransportSession
    init(_ value: any TransportSession) { self.value = value }
}
