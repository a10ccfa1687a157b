import BenchmarkSupport
import Millrace
import MillraceFormats

/// Record batches in Kafka's format.
enum BatchBenchmarks {
    private static let records = {
        var records: [BenchmarkTopic.Generated] = []
        BenchmarkTopic.state.generate(5000) { records.append($0) }
        return records
    }()

    static var all: [MicroBenchmark] {
        [
            MicroBenchmark("batch-write", operations: records.count) {
                let writer = RecordBatchWriter()
                return {
                    writer.reset()
                    try write(to: writer)
                }
            },
            MicroBenchmark("batch-read", operations: records.count) {
                let writer = RecordBatchWriter()
                try write(to: writer)
                let scratch = ByteBuffer()
                return {
                    var sum = 0
                    var batches = RecordBatchCursor(writer.output.bytes)
                    while let batch = try batches.next() {
                        try batch.verifyChecksum()
                        var records = try batch.records(decompressingInto: scratch)
                        while let record = try records.next() { sum &+= record.value?.count ?? 0 }
                    }
                    consume(sum)
                }
            },
        ]
    }

    private static func write(to writer: RecordBatchWriter) throws {
        for record in records {
            try record.value.withUnsafeBytes { value in
                try (record.key ?? []).withUnsafeBytes { key in
                    try writer.append(timestamp: Timestamp(milliseconds: record.time), key: key, value: value)
                }
            }
        }
        try writer.finish()
    }
}
