import MillraceCore

/// Joins each record of one stream with the records of the other that are close enough in time.
///
/// In a left or outer join, a record of a side that has results by itself waits until no partner can come any more, that is until stream time, the highest timestamp of both
/// inputs, has passed its window and the grace period. It is sent then with its own time, and the headers of the record that made time pass.
///
/// Kafka: `KStreamKStreamJoin`.
@usableFromInline
final class StreamJoinNode<StreamKey, StreamValue, Key, ResultKey, This, Other, Result> {
    @usableFromInline let side: StreamJoinSide<StreamKey, StreamValue, Key, This>
    @usableFromInline let keySerde: Serde<Key>
    @usableFromInline let others: JoinStore<Other>
    @usableFromInline let before: Int64
    @usableFromInline let after: Int64
    @usableFromInline let matched: (Key, This, Other) throws -> Result
    @usableFromInline let unmatched: ((ResultKey, This) throws -> Result)?
    @usableFromInline let resultKey: (Key) -> ResultKey
    @usableFromInline let nullResultKey: () -> ResultKey?
    @usableFromInline let waiting: StreamJoinWaiting<ResultKey, This, Other, Result>?
    @usableFromInline let output: Output<ResultKey, Result>
    @usableFromInline let site: NodeSite
    @usableFromInline let keyBuffer = ByteBuffer()

    @inlinable
    init(
        side: StreamJoinSide<StreamKey, StreamValue, Key, This>, key: Serde<Key>, others: String, before: Int64, after: Int64,
        matched: @escaping (Key, This, Other) throws -> Result, unmatched: ((ResultKey, This) throws -> Result)?,
        resultKey: @escaping (Key) -> ResultKey, nullResultKey: @escaping () -> ResultKey?,
        waiting: StreamJoinWaiting<ResultKey, This, Other, Result>?, _ assembly: NodeAssembly
    ) throws {
        self.side = side
        keySerde = key
        self.others = try assembly.task.store(others)
        self.before = before
        self.after = after
        self.matched = matched
        self.unmatched = unmatched
        self.resultKey = resultKey
        self.nullResultKey = nullResultKey
        self.waiting = waiting
        output = try assembly.output()
        site = assembly.site
    }

    @inlinable
    func receive(_ record: Record<StreamKey, StreamValue>) throws {
        let time = record.timestamp.milliseconds
        waiting?.advance(time)
        guard let value = side.value(record.value) else { return site.drop(.nullValue) }
        guard let key = side.key(record.key) else {
            guard let unmatched, let nullResultKey = nullResultKey() else { return site.drop(.nullKey) }
            return try sendUnmatched(nullResultKey, value, record, unmatched)
        }
        keyBuffer.removeAll()
        _ = try keySerde.write(key, to: keyBuffer)
        let resultKey = self.resultKey(key)
        if let waiting, waiting.streamTime() == time { try waiting.release(record.timestamp, record.headers, output) }

        let upper = max(0, time.addingClamped(after))
        let found = try others.forEach(keyBuffer.bytes, from: max(0, time.addingClamped(-before)), to: upper) { otherTime, other in
            try waiting?.removeOther(keyBuffer.bytes, otherTime, record.timestamp)
            let result: Result
            do { result = try matched(key, value, other) } catch { throw site.failure(error) }
            try output.send(
                Record(
                    key: resultKey, value: result, timestamp: Timestamp(milliseconds: max(time, otherTime)), headers: record.headers))
        }
        guard !found, let unmatched else { return }
        if let waiting, upper >= waiting.streamTime() {
            try waiting.add(keyBuffer.bytes, value, time)
        } else {
            try sendUnmatched(resultKey, value, record, unmatched)
        }
    }

    @inlinable
    func sendUnmatched(
        _ key: ResultKey, _ value: This, _ record: Record<StreamKey, StreamValue>, _ unmatched: (ResultKey, This) throws -> Result
    ) throws {
        let result: Result
        do { result = try unmatched(key, value) } catch { throw site.failure(error) }
        try output.send(Record(key: key, value: result, timestamp: record.timestamp, headers: record.headers))
    }
}
