import BenchmarkSupport
import Millrace

/// The embedded log. A part of its work is the kernel's, which nobody counts here.
enum LogBenchmarks {
    private static let count = 2000

    static func all(in directory: String) -> [MicroBenchmark] {
        [
            MicroBenchmark("log-append-and-read", operations: count) {
                let log = try open(directory + "/read")
                let appender = try log.openAppender(to: "t", named: "writer", group: "bench")
                let session = try log.openSession(named: "reader", group: "bench")
                try session.assign([TopicPartition("t", 0): 0])
                let value = [UInt8](repeating: 7, count: 100)
                return {
                    for number in 0..<count {
                        try value.withUnsafeBytes { value in
                            try appender.append(key: nil, value: value, timestamp: Timestamp(milliseconds: Int64(number)))
                        }
                    }
                    try appender.commit()
                    while try !session.poll(maxBytes: 1 << 20, timeout: .zero).isEmpty {}
                }
            },
            MicroBenchmark("log-commit", operations: 200) {
                let log = try open(directory + "/commit")
                let appender = try log.openAppender(to: "t", named: "writer", group: "bench")
                let value = [UInt8](repeating: 7, count: 100)
                return {
                    for _ in 0..<200 {
                        try value.withUnsafeBytes { try appender.append(key: nil, value: $0, timestamp: 0) }
                        try appender.commit()
                    }
                }
            },
        ]
    }

    private static func open(_ directory: String) throws -> EmbeddedLog {
        // Nothing may happen at a moment of its own choice.
        let log = try EmbeddedLog.open(at: directory, options: EmbeddedLogOptions(durability: .system, housekeeping: nil))
        try log.createTopic(TopicSpecification("t", partitions: 1))
        return log
    }
}
