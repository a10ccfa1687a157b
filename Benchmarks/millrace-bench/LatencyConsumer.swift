import Foundation
import Millrace
import MillraceFormats
import MillraceSystem
import Synchronization

/// Waits for what the app writes, and takes the time since each record was due.
final class LatencyConsumer: @unchecked Sendable {
    private let session: any TransportSession
    private let clock = SystemClock()
    private let isStopping = Atomic(false)
    /// In nanoseconds. To be read when `start`'s task is done, as is `failure`.
    private(set) var latencies: [Int64] = []
    private(set) var failure: (any Error)?

    init(_ log: EmbeddedLog, _ topic: String) throws {
        session = try log.openSession(named: "millrace-bench-latency-reader", group: "millrace-bench-latency-reader")
        let partitions = try log.describeTopic(topic)?.partitions ?? 0
        try session.assign(Dictionary(uniqueKeysWithValues: (0..<partitions).map { (TopicPartition(topic, $0), 0) }))
    }

    /// Reads until `stop`; records that were due before `first` do not count.
    func start(from first: Int64) -> ThreadEnd {
        ThreadEnd { do { try self.read(from: first) } catch { self.failure = error } }
    }

    func stop() {
        isStopping.store(true, ordering: .relaxed)
        session.wake()
    }

    private func read(from first: Int64) throws {
        let scratch = ByteBuffer()
        defer { session.close() }
        while !isStopping.load(ordering: .relaxed) {
            for fetched in try session.poll(maxBytes: 1 << 20, timeout: .milliseconds(50)) {
                let now = Int64(clock.monotonicNanoseconds())
                var batches = RecordBatchCursor(fetched.bytes)
                while let batch = try batches.next() {
                    var records = try batch.records(decompressingInto: scratch)
                    while let record = try records.next() {
                        guard let value = record.value, value.count == 16 else { continue }
                        let stamp: Int64 = value.loadBigEndian(at: 8)
                        if stamp >= first { latencies.append(now - stamp) }
                    }
                }
            }
        }
    }
}

/// A thread of its own, and its end.
struct ThreadEnd: Sendable {
    private let ended: AsyncStream<Void>

    init(_ body: @escaping @Sendable () -> Void) {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        ended = stream
        Thread.detachNewThread {
            body()
            continuation.finish()
        }
    }

    /// Returns when the thread's work is done.
    var value: Void {
        get async { for await _ in ended {} }
    }
}
