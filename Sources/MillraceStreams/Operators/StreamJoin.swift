import MillraceCore

/// What a join of two streams computes. Whether it is a left or an outer join shows in which functions there are.
struct StreamJoin<Key, ResultKey, Left, Right, Result>: Sendable {
    /// The key of a result.
    let resultKey: @Sendable (Key) -> ResultKey
    /// The key of the result for a record without one; `nil` where the result's type has no room for that.
    let nullResultKey: @Sendable () -> ResultKey?
    let matched: @Sendable (Key, Left, Right) throws -> Result
    /// The result for a record of the left without a partner, in left and outer joins.
    var unmatchedLeft: (@Sendable (ResultKey, Left) throws -> Result)?
    /// The result for a record of the right without a partner, in outer joins.
    var unmatchedRight: (@Sendable (ResultKey, Right) throws -> Result)?
}

/// How a join sees the records of one of its streams: with optional key and value, whatever the stream's types say.
struct StreamJoinSide<StreamKey, StreamValue, Key, Value>: Sendable {
    let key: @Sendable (StreamKey) -> Key?
    let value: @Sendable (StreamValue) -> Value?
}

/// Puts the records of one side of a join where the other side finds them, after sending them on.
///
/// Kafka: `KStreamJoinWindow`.
struct StreamJoinWindowNode<StreamKey, StreamValue, Key, Value> {
    let store: JoinStore<Value>
    let side: StreamJoinSide<StreamKey, StreamValue, Key, Value>
    let keySerde: Serde<Key>
    let output: Output<StreamKey, StreamValue>
    private let keyBuffer = ByteBuffer()

    init(
        store: String, side: StreamJoinSide<StreamKey, StreamValue, Key, Value>, key: Serde<Key>, _ assembly: NodeAssembly
    ) throws {
        self.store = try assembly.task.store(store)
        self.side = side
        keySerde = key
        output = try assembly.output()
    }

    func receive(_ record: Record<StreamKey, StreamValue>) throws {
        try output.send(record)
        guard let key = side.key(record.key) else { return }
        keyBuffer.removeAll()
        _ = try keySerde.write(key, to: keyBuffer)
        store.put(keyBuffer.bytes, side.value(record.value), record.timestamp, headers: record.headers)
    }
}
