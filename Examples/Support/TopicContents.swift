import Millrace
import MillraceFormats

/// Reads what is in a topic from its start up to its present end.
enum TopicContents {
    /// Calls `body` for each record, partition by partition, each in its order.
    static func forEach(_ topic: String, of log: any Transport, _ body: (RawRecord) throws -> Void) throws {
        guard let description = try log.describeTopic(topic) else { return }
        let session = try log.openSession(named: "reader-of-\(topic)", group: "reader-of-\(topic)")
        defer { session.close() }
        let scratch = ByteBuffer()
        for partition in (0..<description.partitions).map({ TopicPartition(topic, $0) }) {
            let range = try log.offsetRange(of: partition)
            var position = range.lowerBound
            try session.assign([partition: position])
            while position < range.upperBound {
                for fetched in try session.poll(maxBytes: 1 << 20, timeout: .seconds(1)) {
                    var batches = RecordBatchCursor(fetched.bytes)
                    while let batch = try batches.next() {
                        if batch.isControl { continue }
                        var records = try batch.records(decompressingInto: scratch)
                        while let record = try records.next() {
                            if record.offset >= position, record.offset < range.upperBound { try body(record) }
                        }
                    }
                    position = fetched.nextOffset
                }
            }
        }
    }

    /// The latest value of each key; keys whose latest value is null are left out.
    static func latest<Key: Hashable, Value>(
        _ topic: String, of log: any Transport, key: Serde<Key>, value: Serde<Value>
    ) throws -> [Key: Value] {
        var table: [Key: Value] = [:]
        try forEach(topic, of: log) { record in
            guard let keyBytes = record.key else { return }
            table[try key.read(keyBytes)] = try record.value.map { try value.read($0) }
        }
        return table
    }
}
