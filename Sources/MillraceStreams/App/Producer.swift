import MillraceCore

/// Writes records to a topic from outside of a topology.
///
///     let lines = try Producer<String?, String>(to: "lines", on: backend)
///     try lines.send("to be or not to be")
///     try lines.commit()
///
/// Records go to partitions as those of a topology do: by their keys, with Kafka's default partitioner; those without a key go to one partition after the other, commit by
/// commit. For one thread at a time; calls block on the disk.
///
/// Kafka: `KafkaProducer`.
public final class Producer<Key, Value> {
    /// Records that wait for `commit` take no more than this, and then are committed without it.
    private static var pendingLimit: Int { 1 << 20 }

    private let collector: RecordCollector
    private let output: OutputTopic
    private let session: any TransportSession
    private let clock: any WallClock
    private let key: Serde<Key>
    private let value: Serde<Value>
    private let keyBytes = ByteBuffer()
    private let valueBytes = ByteBuffer()

    /// - Parameters:
    ///   - key: How keys are written; the type's own serde when left out.
    ///   - value: How values are written; likewise.
    ///   - name: Unique among the producers of a log: a producer of the same name fences the older one, whose commits then throw.
    /// - Throws: `MillraceError` of kind `transport` when there is no such topic, of kind `configuration` when there is no serde.
    public init(
        to topic: String, on backend: StreamsBackend, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named name: String? = nil
    ) throws {
        guard let key = key ?? Serde<Key>.ofType, let value = value ?? Serde<Value>.ofType else {
            throw MillraceError(
                .configuration,
                "There is no obvious serde of \(Key.self) or of \(Value.self) for topic \(topic). Pass key: and value: to the producer.")
        }
        self.key = key
        self.value = value
        clock = backend.clock
        collector = RecordCollector(TransportTopics(backend.transport))
        output = try collector.topic(topic)
        let name = name ?? "producer-of-\(topic)"
        session = try backend.transport.openSession(named: name, group: name)
    }

    deinit { session.close() }

    /// Adds a record, which becomes visible with the next commit. When more than 1 MiB waits, that commit happens here.
    ///
    /// - Parameter timestamp: The time of the event; now when left out.
    /// - Throws: What the serdes throw, and what `commit` throws.
    public func send(_ key: Key, _ value: Value, at timestamp: Timestamp? = nil, headers: Headers = Headers()) throws {
        keyBytes.removeAll()
        valueBytes.removeAll()
        let key = try self.key.write(key, to: keyBytes) ? self.key.partitioningBytes(keyBytes.bytes) : nil
        let value = try self.value.write(value, to: valueBytes) ? valueBytes.bytes : nil
        try output.append(
            partition: output.partition(of: key), key: key == nil ? nil : keyBytes.bytes, value: value, timestamp: timestamp ?? clock.now(),
            headers: headers)
        if collector.pendingBytes > Self.pendingLimit { try commit() }
    }

    /// Makes all records sent so far visible, together.
    ///
    /// - Throws: `MillraceError`: the records are kept then, and go with the next commit that succeeds.
    public func commit() throws {
        let batches = try collector.batches()
        guard !batches.isEmpty else { return }
        _ = try session.commit(batches, offsets: [:])
        collector.removeAll()
    }
}

extension Producer where Key: ExpressibleByNilLiteral {
    /// Adds a record without a key.
    public func send(_ value: Value, at timestamp: Timestamp? = nil, headers: Headers = Headers()) throws {
        try send(nil, value, at: timestamp, headers: headers)
    }
}
