/// One record on its way through a topology: a key, a value, the time of its event, and headers.
///
/// `Key` and `Value` say whether Kafka's null can occur: a `Record<String?, String?>` may lack either, a `Record<String, Int>` has both.
/// Where a record came from (topic, partition, offset) is known to the task, see `RecordMetadata`.
///
/// Kafka: `org.apache.kafka.streams.processor.api.Record`.
public struct Record<Key, Value> {
    /// The key, by which records are partitioned, grouped and joined.
    public var key: Key
    /// What the record says.
    public var value: Value
    /// When it happened.
    public var timestamp: Timestamp
    /// What else travels with the record; operators pass headers on.
    public var headers: Headers

    /// A record, without headers unless some are given.
    @inlinable
    public init(key: Key, value: Value, timestamp: Timestamp, headers: Headers = Headers()) {
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.headers = headers
    }

    /// The same record with another value.
    @inlinable
    public func with<NewValue>(value: NewValue) -> Record<Key, NewValue> {
        Record<Key, NewValue>(key: key, value: value, timestamp: timestamp, headers: headers)
    }

    /// The same record with another key.
    @inlinable
    public func with<NewKey>(key: NewKey) -> Record<NewKey, Value> {
        Record<NewKey, Value>(key: key, value: value, timestamp: timestamp, headers: headers)
    }
}

extension Record: Sendable where Key: Sendable, Value: Sendable {}
extension Record: Equatable where Key: Equatable, Value: Equatable {}

/// Where the record that is being processed was read. Kafka: `RecordMetadata`.
public struct RecordMetadata: Hashable, Sendable {
    /// The topic that the record was read from.
    public var topic: String
    /// The partition that it was in.
    public var partition: Partition
    /// Where in the partition.
    public var offset: Offset

    /// The place of a record in a topic.
    public init(topic: String, partition: Partition, offset: Offset) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}
