import MillraceCore

/// What a join of two streams computes. Whether it is a left or an outer join shows in which functions there are.
@usableFromInline
struct StreamJoin<Key, ResultKey, Left, Right, Result>: Sendable {
    /// The key of a result.
    @usableFromInline let resultKey: @Sendable (Key) -> ResultKey
    /// The key of the result for a record without one; `nil` where the result's type has no room for that.
    @usableFromInline let nullResultKey: @Sendable () -> ResultKey?
    @usableFromInline let matched: @Sendable (Key, Left, Right) throws -> Result
    /// The result for a record of the left without a partner, in left and outer joins.
    @usableFromInline var unmatchedLeft: (@Sendable (ResultKey, Left) throws -> Result)?
    /// The result for a record of the right without a partner, in outer joins.
    @usableFromInline var unmatchedRight: (@Sendable (ResultKey, Right) throws -> Result)?

    @inlinable
    init(
        resultKey: @escaping @Sendable (Key) -> ResultKey, nullResultKey: @escaping @Sendable () -> ResultKey?,
        matched: @escaping @Sendable (Key, Left, Right) throws -> Result,
        unmatchedLeft: (@Sendable (ResultKey, Left) throws -> Result)? = nil,
        unmatchedRight: (@Sendable (ResultKey, Right) throws -> Result)? = nil
    ) {
        self.resultKey = resultKey
        self.nullResultKey = nullResultKey
        self.matched = matched
        self.unmatchedLeft = unmatchedLeft
        self.unmatchedRight = unmatchedRight
    }
}

/// How a join sees the records of one of its streams: with optional key and value, whatever the stream's types say.
@usableFromInline
struct StreamJoinSide<StreamKey, StreamValue, Key, Value>: Sendable {
    @usableFromInline let key: @Sendable (StreamKey) -> Key?
    @usableFromInline let value: @Sendable (StreamValue) -> Value?

    @inlinable
    init(key: @escaping @Sendable (StreamKey) -> Key?, value: @escaping @Sendable (StreamValue) -> Value?) {
        self.key = key
        self.value = value
    }
}

/// Puts the records of one side of a join where the other side finds them, after sending them on.
///
/// Kafka: `KStreamJoinWindow`.
@usableFromInline
struct StreamJoinWindowNode<StreamKey, StreamValue, Key, Value> {
    @usableFromInline let store: JoinStore<Value>
    @usableFromInline let side: StreamJoinSide<StreamKey, StreamValue, Key, Value>
    @usableFromInline let keySerde: Serde<Key>
    @usableFromInline let output: Output<StreamKey, StreamValue>
    @usableFromInline let keyBuffer = ByteBuffer()

    @inlinable
    init(
        store: String, side: StreamJoinSide<StreamKey, StreamValue, Key, Value>, key: Serde<Key>, _ assembly: NodeAssembly
    ) throws {
        self.store = try assembly.task.store(store)
        self.side = side
        keySerde = key
        output = try assembly.output()
    }

    @inlinable
    func receive(_ record: Record<StreamKey, StreamValue>) throws {
        try output.send(record)
        guard let key = side.key(record.key) else { return }
        keyBuffer.removeAll()
        _ = try keySerde.write(key, to: keyBuffer)
        store.put(keyBuffer.bytes, side.value(record.value), record.timestamp, headers: record.headers)
    }
}
