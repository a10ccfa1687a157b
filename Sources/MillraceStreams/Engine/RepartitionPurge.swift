import MillraceCore

/// Deletes the records of the app's repartition topics that it has processed, now and then: nobody else reads them, and they are kept until the app itself deletes them.
///
/// Kafka: `repartition.purge.interval.ms`.
struct RepartitionPurge {
    private static let interval: UInt64 = 30_000_000_000

    private let transport: any Transport
    private let logger: MillraceLogger
    private var lastPurge: UInt64
    private var purged: [TopicPartition: Offset] = [:]

    init(transport: any Transport, logger: MillraceLogger, now: UInt64) {
        self.transport = transport
        self.logger = logger
        lastPurge = now
    }

    func isDue(_ now: UInt64) -> Bool { now - lastPurge >= Self.interval }

    /// - Parameter committed: How far repartition topics are processed and committed.
    mutating func run(now: UInt64, committed: [TopicPartition: Offset]) {
        lastPurge = now
        let offsets = committed.filter { $0.value > purged[$0.key] ?? 0 }
        guard !offsets.isEmpty else { return }
        do {
            try transport.deleteRecords(before: offsets)
            purged.merge(offsets) { $1 }
        } catch {
            // Nothing depends on it, and it is tried again.
            logger.log(.warning, "Processed records of repartition topics could not be deleted", ("error", "\(error)"))
        }
    }
}
