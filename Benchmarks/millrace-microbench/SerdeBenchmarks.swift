import BenchmarkScenarios
import BenchmarkSupport
import Millrace

/// Bytes to values and back.
enum SerdeBenchmarks {
    private static let times = 5000

    static var all: [MicroBenchmark] {
        [
            MicroBenchmark("serde-string-write", operations: times) {
                let buffer = ByteBuffer()
                return {
                    for _ in 0..<times {
                        buffer.removeAll()
                        _ = try Serde.string.write("transmogrified", to: buffer)
                    }
                }
            },
            MicroBenchmark("serde-string-read", operations: times) {
                let bytes = Array("a word that is too long to lie in the string itself".utf8)
                return { try bytes.withUnsafeBytes { bytes in for _ in 0..<times { consume(try Serde.string.read(bytes)) } } }
            },
            MicroBenchmark("serde-int64-write", operations: times) {
                let buffer = ByteBuffer()
                return {
                    for number in 0..<times {
                        buffer.removeAll()
                        _ = try Serde.int64.write(Int64(number), to: buffer)
                    }
                }
            },
            MicroBenchmark("serde-json-read", operations: 1000) {
                let serde = Serde.json(Transaction.self)
                var payments: [[UInt8]] = []
                BenchmarkTopic.transactions.generate(1000) { payments.append($0.value) }
                return { [payments] in for payment in payments { consume(try payment.withUnsafeBytes { try serde.read($0) }) } }
            },
        ]
    }
}
