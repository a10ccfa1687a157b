import BenchmarkScenarios
import BenchmarkSupport
import Millrace
import MillraceFormats

/// The scenarios of `millrace-bench`, from record batch to record batch through one task, with stores in memory: no log, no disk, no threads. An operation is an input record.
enum TaskBenchmarks {
    static func all() -> [MicroBenchmark] {
        Scenario.allCases.filter { ![.restore, .latency, .soak, .budget, .growth].contains($0) }.map { scenario in
            let count = 2000
            return MicroBenchmark("task-\(scenario.rawValue)", operations: count * scenario.inputs.count) {
                let task = try MicroTask(try scenario.topology(scenario.inputs, "out"))
                // The second half comes after the first, by offsets and by times, so that nothing that is counted is left out or late.
                let inputs = try scenario.inputs.map { ($0, try halves(of: BenchmarkTopic(rawValue: $0), count)) }
                var rounds = [0, 1].map { round in inputs.map { ($0.0, $0.1.owner, $0.1.parts[round]) } }
                return {
                    for (topic, owner, batches) in rounds.removeFirst() { task.add(topic, batches, of: owner) }
                    try task.work()
                }
            }
        }
    }

    /// Two runs of batches with `count` records each, and the buffer that they lie in.
    private static func halves(of topic: BenchmarkTopic?, _ count: Int) throws -> (owner: ByteBuffer, parts: [UnsafeRawBufferPointer]) {
        let writer = RecordBatchWriter()
        var split = 0
        try topic?.generate(2 * count) { record in
            if writer.recordCount == count, split == 0 {
                try writer.finish()
                split = writer.output.bytes.count
            }
            try record.value.withUnsafeBytes { value in
                let time = Timestamp(milliseconds: record.time)
                guard let key = record.key else { return try writer.append(timestamp: time, key: nil, value: value) }
                try key.withUnsafeBytes { try writer.append(timestamp: time, key: $0, value: value) }
            }
        }
        try writer.finish()
        let bytes = writer.output.bytes
        return (writer.output, [UnsafeRawBufferPointer(rebasing: bytes[..<split]), UnsafeRawBufferPointer(rebasing: bytes[split...])])
    }
}
