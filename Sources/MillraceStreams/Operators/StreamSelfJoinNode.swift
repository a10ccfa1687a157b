import MillraceCore

/// Joins a stream with itself, from one store: what an optimisation puts in the place of both sides of the join.
///
/// The results and their order are those of the two sides: each record with those before it, as the left and as the right one, and once with itself.
///
/// Kafka: `KStreamKStreamSelfJoin`.
@usableFromInline
final class StreamSelfJoinNode<StreamKey, StreamValue, Key, ResultKey, Value, Result> {
    @usableFromInline let side: StreamJoinSide<StreamKey, StreamValue, Key, Value>
    @usableFromInline let keySerde: Serde<Key>
    @usableFromInline let others: JoinStore<Value>
    @usableFromInline let windows: JoinWindows
    @usableFromInline let matched: (Key, Value, Value) throws -> Result
    @usableFromInline let resultKey: (Key) -> ResultKey
    @usableFromInline let output: Output<ResultKey, Result>
    @usableFromInline let site: NodeSite
    @usableFromInline let keyBuffer = ByteBuffer()
    @usableFromInline let streamTime: ObservedTime

    @inlinable
    init(
        side: StreamJoinSide<StreamKey, StreamValue, Key, Value>, key: Serde<Key>, store: String, windows: JoinWindows,
        matched: @escaping (Key, Value, Value) throws -> Result, resultKey: @escaping (Key) -> ResultKey, _ assembly: NodeAssembly
    ) throws {
        self.side = side
        keySerde = key
        others = try assembly.task.store(store)
        self.windows = windows
        self.matched = matched
        self.resultKey = resultKey
        output = try assembly.output()
        site = assembly.site
        streamTime = assembly.task.observedTime(of: assembly.name)
    }

    @inlinable
    func receive(_ record: Record<StreamKey, StreamValue>) throws {
        guard let value = side.value(record.value) else { return site.drop(.nullValue) }
        guard let key = side.key(record.key) else { return site.drop(.nullKey) }
        keyBuffer.removeAll()
        _ = try keySerde.write(key, to: keyBuffer)
        let time = record.timestamp.milliseconds
        streamTime.advance(to: time)

        func send(_ left: Value, _ right: Value, _ otherTime: Int64) throws {
            let result: Result
            do { result = try matched(key, left, right) } catch { throw site.failure(error) }
            try output.send(
                Record(
                    key: resultKey(key), value: result, timestamp: Timestamp(milliseconds: max(time, otherTime)),
                    headers: record.headers))
        }

        _ = try others.forEach(
            keyBuffer.bytes, from: max(0, time.addingClamped(-windows.before)), to: max(0, time.addingClamped(windows.after))
        ) { otherTime, other in try send(value, other, otherTime) }
        // The record itself comes before the results that carry a later time, unless it is too old to have been found in a store.
        var mustJoinItself = time > streamTime.value.addingClamped(-windows.retention).addingClamped(1)
        _ = try others.forEach(
            keyBuffer.bytes, from: max(0, time.addingClamped(-windows.after)), to: max(0, time.addingClamped(windows.before))
        ) { otherTime, other in
            if mustJoinItself, otherTime > time {
                mustJoinItself = false
                try send(value, value, time)
            }
            try send(other, value, otherTime)
        }
        if mustJoinItself { try send(value, value, time) }
    }
}
