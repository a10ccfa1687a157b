import BenchmarkSupport
import Millrace
import MillraceFormats

/// Operators that no scenario of `millrace-bench` has, from record batch to record batch through one task, with stores in memory. An operation is an input record.
enum OperatorBenchmarks {
    static var all: [MicroBenchmark] { OperatorCase.allCases.map(benchmark) }

    private static func benchmark(_ operators: OperatorCase) -> MicroBenchmark {
        let count = 2000
        let inputs = operators.inputs
        return MicroBenchmark("task-\(operators.rawValue)", operations: count * inputs.count) {
            let task = try MicroTask(try operators.topology(), readsBack: true)
            let topics = try inputs.map { ($0.topic, try $0.halves(count)) }
            var rounds = [0, 1].map { round in topics.map { ($0.0, $0.1.owner, $0.1.parts[round]) } }
            return {
                for (topic, owner, batches) in rounds.removeFirst() { try task.add(topic, batches, of: owner) }
                try task.work()
            }
        }
    }
}

/// The records of a topic: keys drawn from a few, values of 100 bytes that begin with another key, times that go on with some disorder.
struct OperatorInput {
    let topic: String
    let keyCount: Int
    /// Milliseconds from a record to the next.
    var step: Int64 = 10
    /// By how many milliseconds records may be out of order.
    var disorder = 200

    /// Two runs of batches with `count` records each, the second behind the first, and the buffer that they lie in.
    func halves(_ count: Int) throws -> (owner: ByteBuffer, parts: [UnsafeRawBufferPointer]) {
        let writer = RecordBatchWriter()
        var draws = SplitMix64(seed: BenchmarkTopic.seed, stream: topic)
        var split = 0
        for number in 0..<2 * count {
            if number == count {
                try writer.finish()
                split = writer.output.bytes.count
            }
            let key = "k\(10_000 + draws.below(keyCount))"
            let value = "k\(10_000 + draws.below(keyCount)) " + String(repeating: "v", count: 83) + " \(100_000_000 + number)"
            let time = BenchmarkTopic.startTime + Int64(number) * step - Int64(draws.below(disorder))
            try Array(key.utf8).withUnsafeBytes { key in
                try Array(value.utf8).withUnsafeBytes { try writer.append(timestamp: Timestamp(milliseconds: time), key: key, value: $0) }
            }
        }
        try writer.finish()
        let bytes = writer.output.bytes
        return (writer.output, [UnsafeRawBufferPointer(rebasing: bytes[..<split]), UnsafeRawBufferPointer(rebasing: bytes[split...])])
    }
}
