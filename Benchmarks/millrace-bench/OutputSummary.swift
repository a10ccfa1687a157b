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
        var last: [[UInt8]: UInt64] = [:]
        var sum = OutputChecksum()
        try log.forEachRecord(of: topic) { record in
            records += 1
            guard lastValuesOnly else {
                if let value = record.value { sum.add(key: record.key, value: value) }
                return
            }
            last[record.key.map { Array($0) } ?? []] = record.value.map { OutputChecksum.of(key: record.key, value: $0) }
        }
        if lastValuesOnly { keys = last.count }
        checksum = lastValuesOnly ? last.values.reduce(0, &+) : sum.value
    }
}
