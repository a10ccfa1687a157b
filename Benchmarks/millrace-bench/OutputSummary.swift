import BenchmarkSupport
import Millrace
import MillraceFormats

/// What a run has written: how many records, keys, and their checksum.
struct OutputSummary {
    private(set) var records = 0
    /// The number of keys, or -1 where all records count.
    private(set) var keys = -1
    private(set) var checksum: UInt64 = 0

    init() {}

    /// Reads a topic from start to end.
    init(of topic: String, in log: EmbeddedLog, lastValuesOnly: Bool) throws {
        let session = try log.openSession(named: "millrace-bench-output", group: "millrace-bench-output")
        defer { session.close() }
        var last: [[UInt8]: UInt64] = [:]
        var sum = OutputChecksum()
        for partition in (0..<(try log.describeTopic(topic)?.partitions ?? 0)).map({ TopicPartition(topic, $0) }) {
            try OutputSummary.forEachRecord(of: partition, in: log, session) { record in
                records += 1
                guard lastValuesOnly else {
                    if let value = record.value { sum.add(key: record.key, value: value) }
                    return
                }
                last[record.key.map { Array($0) } ?? []] = record.value.map { OutputChecksum.of(key: record.key, value: $0) }
            }
        }
        if lastValuesOnly { keys = last.count }
        checksum = lastValuesOnly ? last.values.reduce(0, &+) : sum.value
    }

    private static func forEachRecord(
        of partition: TopicPartition, in log: EmbeddedLog, _ session: any TransportSession, _ body: (RawRecord) throws -> Void
    ) throws {
        let range = try log.offsetRange(of: partition)
        var position = range.lowerBound
        try session.assign([partition: position])
        let scratch = ByteBuffer()
        while position < range.upperBound {
            for fetched in try session.poll(maxBytes: 1 << 20, timeout: .seconds(1)) {
                var batches = RecordBatchCursor(fetched.bytes)
                while let batch = try batches.next() {
                    var records = try batch.records(decompressingInto: scratch)
                    while let record = try records.next() { try body(record) }
                }
                position = fetched.nextOffset
            }
        }
    }
}
