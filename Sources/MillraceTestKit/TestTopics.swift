import MillraceCore

/// A topic that a test writes to. Kafka: `TestInputTopic`.
public struct TestInputTopic<Key, Value> {
    let driver: TopologyTestDriver
    let topic: String
    let key: Serde<Key>
    let value: Serde<Value>

    /// Puts a record into the topic; when this returns, all that it causes has happened.
    ///
    /// - Throws: What the topology throws for it.
    public func pipe(_ key: Key, _ value: Value, at timestamp: Timestamp, headers: Headers = Headers()) throws {
        try driver.pipe(
            topic, key: try self.key.bytes(of: key), value: try self.value.bytes(of: value), timestamp: timestamp, headers: headers)
    }
}

extension TestInputTopic where Key: ExpressibleByNilLiteral {
    /// Puts a record without a key into the topic.
    public func pipe(_ value: Value, at timestamp: Timestamp, headers: Headers = Headers()) throws {
        try pipe(nil, value, at: timestamp, headers: headers)
    }
}

/// A topic that a test reads. Kafka: `TestOutputTopic`.
public struct TestOutputTopic<Key, Value> {
    let driver: TopologyTestDriver
    let topic: String
    let key: Serde<Key>
    let value: Serde<Value>

    /// The next record that was not read yet, `nil` when there is none.
    public func read() throws -> Record<Key, Value>? {
        guard let record = driver.next(of: topic) else { return nil }
        return Record(
            key: try key.value(of: record.key), value: try value.value(of: record.value), timestamp: record.timestamp,
            headers: record.headers)
    }

    /// All records that were not read yet.
    public func readAll() throws -> [Record<Key, Value>] {
        var records: [Record<Key, Value>] = []
        while let record = try read() { records.append(record) }
        return records
    }
}
