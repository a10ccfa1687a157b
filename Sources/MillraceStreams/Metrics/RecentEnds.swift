import MillraceCore
import Synchronization

/// The ends of partitions as they were asked for last, for a while: a cluster is not to be asked for each partition each time somebody looks at metrics.
final class RecentEnds: Sendable {
    /// In nanoseconds.
    private static let age: UInt64 = 5_000_000_000

    private struct End {
        var offset: Offset?
        var time: UInt64
    }

    private let ends = Mutex<[TopicPartition: End]>([:])

    /// The end of a partition, asked for unless it is known from the past seconds. That it could not be told is remembered as well.
    func end(of partition: TopicPartition, now: UInt64, _ ask: () -> Offset?) -> Offset? {
        let known = ends.withLock { $0[partition] }
        if let known, now >= known.time, now - known.time < Self.age { return known.offset }
        let offset = ask()
        ends.withLock { $0[partition] = End(offset: offset, time: now) }
        return offset
    }
}
