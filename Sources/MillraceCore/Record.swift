/// One record on its way through a topology: a key, a value, the time of its event, and headers.
///
/// `Key` and `Value` say whether Kafka's null can occur: a `Record<String?, String?>` may lack either, a `Record<String, Int>` has both.
/// Where a record came from (topic, partition, offset) is known to the task, see `RecordMetadata`.
///
/// Kafka: `org.apache.kafka.streams.processor.api.Record`.
public struct Record<Key, Value> {
    public var key: Key
    public var value: Value
    public var timestamp: Timestamp
    public var headers: Headers

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
    public var topic: String
    public var partition: Partition
    public var offset: Offset

    public init(topic: String, partition: Partition, offset: Offset) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}
