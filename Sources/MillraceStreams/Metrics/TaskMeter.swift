import MillraceCore

/// What a task counts between two commits: plain integers of the thread that runs it, so that a record costs a few additions.
final class TaskMeter {
    /// Records whose times are in `sumOfTimes`.
    @exclusivity(unchecked) private(set) var timedRecords = 0
    /// Of their timestamps, in milliseconds, modulo 2^64: differences come out right.
    @exclusivity(unchecked) private(set) var sumOfTimes: Int64 = 0
    /// The lowest of their timestamps.
    @exclusivity(unchecked) private(set) var oldestTime = Int64.max
    /// By how much, as `MetricHistogram` has it.
    private let lateness = UnsafeMutablePointer<Int>.allocate(capacity: 64)
    @exclusivity(unchecked) private var sumOfLateness = 0.0
    @exclusivity(unchecked) private var lateRecords = 0
    @exclusivity(unchecked) var streamTimePunctuations = 0
    @exclusivity(unchecked) var wallClockPunctuations = 0
    /// Records sent to each dead-letter topic.
    var deadLettered: [String: Int] = [:]

    init() {
        lateness.initialize(repeating: 0, count: 64)
    }

    deinit {
        lateness.deallocate()
    }

    /// Notes records that were processed.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - sum: Of their timestamps, none above now, modulo 2^64.
    ///   - oldest: The lowest of them.
    @inline(__always)
    func processed(_ count: Int, sumOfTimes sum: Int64, oldest: Int64) {
        timedRecords += count
        sumOfTimes &+= sum
        if oldest < oldestTime { oldestTime = oldest }
    }

    /// Notes a record that came this much, in milliseconds, after a later one.
    func late(by milliseconds: Int64) {
        lateness[MetricHistogram.place(of: milliseconds)] += 1
        sumOfLateness += Double(milliseconds)
        lateRecords += 1
    }

    /// What was counted, as of a commit now; counting begins again.
    func take(now: Timestamp) -> TaskMetrics.Times {
        var histogram = MetricHistogram(.milliseconds)
        if timedRecords > 0 {
            var counts: [Int] = []
            if lateRecords > 0 {
                counts = Array(UnsafeBufferPointer(start: lateness, count: 64))
                while counts.last == 0 { counts.removeLast() }
            } else {
                counts = [0]
            }
            counts[0] += timedRecords - lateRecords
            histogram = MetricHistogram(.milliseconds, counts: counts, sum: sumOfLateness)
        }
        // The clock may have been set back since: no latency is below zero.
        let total = max(0, Int64(timedRecords) &* now.milliseconds &- sumOfTimes)
        let times = TaskMetrics.Times(
            lateness: histogram, latency: .init(records: timedRecords, milliseconds: Double(total)),
            highestLatency: timedRecords > 0 ? .milliseconds(max(0, now.milliseconds - oldestTime)) : .zero)
        reset()
        return times
    }

    private func reset() {
        (timedRecords, sumOfTimes, oldestTime) = (0, 0, .max)
        guard lateRecords > 0 else { return }
        (lateRecords, sumOfLateness) = (0, 0)
        lateness.update(repeating: 0, count: 64)
    }
}

extension TaskMetrics {
    /// What a task knows of the times of its records.
    struct Times {
        var lateness: MetricHistogram
        var latency: LatencySum
        var highestLatency: Duration
    }
}
