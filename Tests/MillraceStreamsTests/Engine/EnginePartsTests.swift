import Millrace
import MillraceFormats
import MillraceTestKit
import Testing

@testable import MillraceStreams

/// Parts of the engine by themselves.
@Suite struct EnginePartsTests {
    @Test func repartitionTopicsAreEmptiedNowAndThen() throws {
        let run = try EngineRun(try EngineCase.all[0].topology(), topics: ["app-x-repartition": 1])
        try run.put((0..<10).map { Input(topic: "app-x-repartition", key: "a", value: "v", time: Int64($0)) })
        let partition = TopicPartition("app-x-repartition", 0)
        var purge = RepartitionPurge(transport: run.log, logger: run.configuration.logger, now: 0)
        #expect(!purge.isDue(29_999_999_999))
        #expect(purge.isDue(30_000_000_000))
        purge.run(now: 30_000_000_000, committed: [partition: 7])
        #expect(!purge.isDue(59_000_000_000))
        #expect(try run.log.offsetRange(of: partition) == 7..<10)
        // What cannot be deleted is said, and does no harm.
        purge.run(now: 60_000_000_000, committed: [TopicPartition("gone", 0): 7])
        #expect(run.said.contains("could not be deleted"))
    }

    @Test func savesComeLessOftenWhereTheyTakeLong() {
        let second: UInt64 = 1_000_000_000
        var pace = SavePace(now: 100 * second)
        #expect(!pace.isDue(at: 105 * second - 1) && pace.isDue(at: 105 * second))
        for (took, pause) in [(second / 10, 5), (second, 20), (60 * second, 30)] as [(UInt64, UInt64)] {
            pace.note(from: 200 * second, to: 200 * second + took)
            let due = 200 * second + took + pause * second
            #expect(!pace.isDue(at: due - 1) && pace.isDue(at: due))
        }
    }

    /// Input that comes faster than it is processed never lets the queue run empty; what was processed must not stay in memory until it does.
    @Test func aQueueThatNeverRunsEmptyLetsGoOfWhatItHasProcessed() throws {
        final class Owner {
            let writer = RecordBatchWriter()
        }
        let queue = RecordQueue(
            topic: "t", reset: nil, source: TaskSource(extractTimestamp: nil, receive: { _, _ in }), position: 0)
        weak var first: Owner?
        for offset in 0..<200 as Range<Int64> {
            let owner = Owner()
            if offset == 0 { first = owner }
            try owner.writer.append(timestamp: 0, key: nil, value: nil)
            try owner.writer.finish()
            queue.add(
                FetchedBatches(
                    partition: TopicPartition("t", 0), bytes: owner.writer.output.bytes, owner: owner, nextOffset: Offset(offset + 1),
                    endOffset: Offset(offset + 1)))
            if offset > 0 { _ = try queue.take() }
            if offset > 1 { #expect(first == nil) }
        }
        #expect(!queue.isEmpty)
    }

    @Test func aWaitIsOverOnceUntilThereAreRecords() {
        let partition = TopicPartition("t", 0)
        var idle = TaskIdle(limit: .milliseconds(10))
        func isOver(at now: UInt64) -> Bool { idle.isOver(partition, now: now) }
        #expect(!isOver(at: 0))
        #expect(idle.timeLeft(now: 4_000_000) == 7)
        #expect(!isOver(at: 9_999_999))
        #expect(isOver(at: 10_000_000))
        #expect(isOver(at: 10_000_001))
        #expect(idle.timeLeft(now: 10_000_001) == nil)
        idle.hasRecords(partition)
        #expect(!isOver(at: 20_000_000))
    }

    @Test func punctuationsEndWithTime() throws {
        var times: [Timestamp] = []
        let punctuation = Punctuation(.stream, interval: 10, next: 0, node: "n") { times.append($0) }
        try punctuation.fire(at: 25)
        #expect(punctuation.next == 30)
        try punctuation.fire(at: Timestamp(milliseconds: .max))
        #expect(punctuation.isCancelled)
        #expect(times == [25, Timestamp(milliseconds: .max)])
    }

    @Test func restartsWaitLongerEachTime() {
        let policy = RestartPolicy(attempts: 40, backoff: .seconds(1))
        #expect([1, 2, 3, 7, 40].map { policy.delay(before: $0) } == [1, 2, 4, 60, 60].map { .seconds($0) })
        #expect(policy.allows(MillraceError(.processing, ""), attempt: 40))
        #expect(!policy.allows(MillraceError(.processing, ""), attempt: 41))
        #expect(!policy.allows(MillraceError(.fenced, ""), attempt: 1))
    }

    /// Restored rows bring the store's time to the disk with them.
    @Test func aRestoredWindowStoreKnowsItsTimeAfterACrash() throws {
        let disk = MemoryByteStore()
        let backing = Backing(store: disk, prefix: [0, 0, 0, 1])
        func open() throws -> SegmentedOverlay<String> {
            try SegmentedOverlay(serde: .string, retention: 100, interval: 50, backing: backing)
        }
        let rows = try open()
        let batch = disk.makeBatch()
        for time: Int64 in [10, 500] {
            let bytes = Array("k\(time)".utf8)
            try bytes.withUnsafeBytes { bytes in try rows.restore(bytes, bytes, 1, at: time, batch: batch) }
        }
        try rows.finishRestoring(batch: batch)
        try disk.write(batch)
        let again = try open()
        #expect(again.time == 500)
        #expect(again.segments.map(\.id) == [10])
    }
}
