import MillraceCore

/// What a task has done.
public struct TaskMetrics: Sendable {
    /// The task.
    public var id: TaskID
    /// By topic, full names. Kafka: `records-consumed-total`, `bytes-consumed-total`.
    public var read: [String: Amount] = [:]
    /// Records written to each topic, changelogs and internal topics too. Kafka: `records-produced-total`.
    public var written: [String: Int] = [:]
    /// Records left out, by reason. Kafka: `dropped-records-total`.
    public var dropped: [DropReason: Int] = [:]
    /// Records sent to each dead-letter topic.
    public var deadLettered: [String: Int] = [:]
    /// Records processed, and the time it took, that of stream-time punctuations included. Kafka: `process-total`, `process-latency-avg`.
    public var processed = 0
    /// See `processed`.
    public var processingTime = Duration.zero
    /// Punctuations by stream time.
    public var streamTimePunctuations = 0
    /// Punctuations by the time of day. Kafka: `punctuate-total`.
    public var wallClockPunctuations = 0
    /// What punctuations by the time of day took. Kafka: `punctuate-latency-avg`.
    public var punctuationTime = Duration.zero
    /// How far records were behind stream time when they were processed; most are not. Kafka: `record-lateness-avg`.
    public var lateness = MetricHistogram(.milliseconds)
    /// From the timestamps of records to the commit that made their results visible: of how many, and the sum. Timestamps in the future count as now.
    /// Kafka: `record-e2e-latency-avg`.
    public var latency = LatencySum()
    /// The highest such latency of the past 30 to 60 seconds. Kafka: `record-e2e-latency-max`.
    public var highestLatency = Duration.zero

    /// Records and their bytes.
    public struct Amount: Sendable, Equatable {
        /// Records processed.
        public var records = 0
        /// Bytes of the record batches that were read, compressed as they may be.
        public var bytes = 0
    }

    /// Of many latencies how many there were, and their sum.
    public struct LatencySum: Sendable, Equatable {
        /// How many records.
        public var records = 0
        /// In milliseconds.
        public var milliseconds = 0.0

        /// `nil` before the first record.
        public var average: Duration? { records > 0 ? .microseconds(Int64(milliseconds * 1000 / Double(records))) : nil }
    }

    init(id: TaskID) {
        self.id = id
    }

    /// Adds what was counted since.
    mutating func add(_ more: TaskMetrics) {
        read.merge(more.read) { Amount(records: $0.records + $1.records, bytes: $0.bytes + $1.bytes) }
        written.merge(more.written, uniquingKeysWith: +)
        dropped.merge(more.dropped, uniquingKeysWith: +)
        deadLettered.merge(more.deadLettered, uniquingKeysWith: +)
        processed += more.processed
        processingTime += more.processingTime
        streamTimePunctuations += more.streamTimePunctuations
        wallClockPunctuations += more.wallClockPunctuations
        punctuationTime += more.punctuationTime
        lateness.merge(more.lateness)
        latency.records += more.latency.records
        latency.milliseconds += more.latency.milliseconds
    }
}
