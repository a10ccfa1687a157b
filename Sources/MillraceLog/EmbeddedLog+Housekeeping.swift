import MillraceCore

/// What the log does in the background to stay small: retention and compaction, by a thread of its own.
public struct Housekeeping: Sendable {
    /// How often it looks for something to do. Kafka: `log.retention.check.interval.ms`, `log.cleaner.backoff.ms`.
    public var interval: Duration
    /// The memory for the keys of one compaction, 24 bytes each. Kafka: `log.cleaner.dedupe.buffer.size`.
    public var compactionMemory: Int
    /// How much a compaction reads a second at most, so that it leaves the disk and the processor to the app. Kafka: `log.cleaner.io.max.bytes.per.second`.
    public var compactionBytesPerSecond: Int

    public init(interval: Duration = .seconds(300), compactionMemory: Int = 24 << 20, compactionBytesPerSecond: Int = 64 << 20) {
        self.interval = interval
        self.compactionMemory = compactionMemory
        self.compactionBytesPerSecond = max(1, compactionBytesPerSecond)
    }
}

extension EmbeddedLog {
    /// One round of retention and compaction. What fails is logged and tried again in the next round.
    ///
    /// - Parameter wait: Waits for nanoseconds and says whether to go on.
    package func keepHouse(_ housekeeping: Housekeeping, wait: (UInt64) -> Bool) {
        let piece = 1 << 20
        var unpaid = 0
        do {
            expireProducers(now: clock.now())
            try runRetention(now: clock.now())
            try withoutActuallyEscaping(wait) { wait in
                try compact(now: clock.now(), memory: housekeeping.compactionMemory) { bytes in
                    unpaid += bytes
                    guard unpaid >= piece else { return }
                    let nanoseconds = UInt64(Double(unpaid) / Double(housekeeping.compactionBytesPerSecond) * 1e9)
                    unpaid = 0
                    if !wait(nanoseconds) { throw MillraceError(.cancelled, "The log is being closed.") }
                }
            }
        } catch let error as MillraceError where error.kind == .cancelled {
            return
        } catch {
            options.logger.log(.warning, "Retention or compaction failed and will be tried again", ("path", path), ("error", "\(error)"))
        }
    }
}
