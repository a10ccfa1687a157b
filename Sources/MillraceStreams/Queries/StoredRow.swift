import MillraceCore

/// A key of a store, its value, and the time the value is of.
public struct StoredRow<Key, Value> {
    /// The key.
    public var key: Key
    /// The value.
    public var value: Value
    /// The time of the record that wrote it. Kafka: `ValueAndTimestamp`.
    public var timestamp: Timestamp

    /// A row of a store.
    public init(key: Key, value: Value, timestamp: Timestamp) {
        self.key = key
        self.value = value
        self.timestamp = timestamp
    }
}

extension StoredRow: Sendable where Key: Sendable, Value: Sendable {}
extension StoredRow: Equatable where Key: Equatable, Value: Equatable {}
extension StoredRow: Hashable where Key: Hashable, Value: Hashable {}
