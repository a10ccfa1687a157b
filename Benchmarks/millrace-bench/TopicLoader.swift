import BenchmarkSupport
import Millrace
import MillraceCommandLine

/// Fills a topic with generated records.
enum TopicLoader {
    static func load(_ operands: ArraySlice<String>, into path: String) throws {
        guard operands.count == 2, let name = operands.first, let topic = BenchmarkTopic(rawValue: name),
            let count = operands.last.flatMap({ Int($0) }), count > 0
        else {
            throw CommandLineError("load takes a topic and a number of records, as in \"load lines 400000\". See --help.")
        }
        let log = try EmbeddedLog.open(at: path)
        try log.makeAnew(name)
        let appender = try log.openAppender(to: name, named: "millrace-bench-load-\(name)", group: "millrace-bench-load")
        try topic.generate(count) { record in
            try append(record, to: appender)
            if appender.byteCount > 1 << 20 { try appender.commit() }
        }
        try appender.commit()
        appender.close()
        try log.close()
    }

    private static func append(_ record: BenchmarkTopic.Generated, to appender: TopicAppender) throws {
        try record.value.withUnsafeBytes { value in
            let time = Timestamp(milliseconds: record.time)
            guard let key = record.key else {
                return try appender.append(key: nil, value: value, timestamp: time, partition: record.partition)
            }
            try key.withUnsafeBytes { try appender.append(key: $0, value: value, timestamp: time, partition: record.partition) }
        }
    }
}

extension EmbeddedLog {
    /// An empty topic of four partitions that keeps records of any time, as all of the benchmark's are.
    func makeAnew(_ topic: String) throws {
        if try describeTopic(topic) != nil { try deleteTopic(topic) }
        try createTopic(TopicSpecification(topic, partitions: 4, settings: ["retention.ms": "-1"]))
    }
}
