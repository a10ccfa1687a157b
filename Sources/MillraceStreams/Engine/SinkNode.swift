import MillraceCore
import MillracePlan

/// Chooses the partition of a record: the partition, or `nil` to leave it to Kafka's default. Kafka: `StreamPartitioner`.
public typealias Partitioner<Key, Value> = @Sendable (Key, Value, _ partitionCount: Int32) throws -> Int32?

/// Chooses the partition of a key: the partition, or `nil` to leave it to Kafka's default.
public typealias KeyPartitioner<Key> = @Sendable (Key, _ partitionCount: Int32) throws -> Int32?

/// The end of a task: serialises records straight into the output's batches.
@usableFromInline
final class SinkNode<Key, Value> {
    @usableFromInline let keySerde: Serde<Key>
    @usableFromInline let valueSerde: Serde<Value>
    @usableFromInline let partitioner: Partitioner<Key, Value>?
    @usableFromInline let site: NodeSite
    @usableFromInline let key = ByteBuffer()
    @usableFromInline let value = ByteBuffer()

    @inlinable
    init(key: Serde<Key>, value: Serde<Value>, partitioner: Partitioner<Key, Value>?, site: NodeSite) {
        keySerde = key
        valueSerde = value
        self.partitioner = partitioner
        self.site = site
    }

    @inlinable
    func send(_ record: Record<Key, Value>, to topic: OutputTopic) throws {
        do { try append(record, to: topic) } catch { try site.task.handleProduction(error, at: site.name) }
    }

    @inlinable
    func append(_ record: Record<Key, Value>, to topic: OutputTopic) throws {
        key.removeAll()
        value.removeAll()
        let keyBytes: UnsafeRawBufferPointer?
        let valueBytes: UnsafeRawBufferPointer?
        do {
            keyBytes = try keySerde.write(record.key, to: key) ? key.bytes : nil
            valueBytes = try valueSerde.write(record.value, to: value) ? value.bytes : nil
        } catch { throw site.unwritable(to: topic, error) }
        var partition: Int32?
        if let partitioner {
            do { partition = try partitioner(record.key, record.value, topic.partitionCount) } catch { throw site.failure(error) }
        }
        guard record.timestamp.milliseconds >= 0 else { throw site.negativeTime(record.timestamp, topic) }
        try topic.append(
            partition: partition ?? topic.partition(of: keyBytes.map(keySerde.partitioningBytes)), key: keyBytes, value: valueBytes,
            timestamp: record.timestamp, headers: record.headers)
    }
}

extension NodeSite {
    /// The error of a record that its serdes refused.
    @usableFromInline
    func unwritable(to topic: OutputTopic, _ error: any Error) -> MillraceError {
        MillraceError(
            .production, "A record cannot be written to topic \(topic.name).", cause: error, node: name, task: task.id,
            record: task.recordMetadata)
    }

    @usableFromInline
    func negativeTime(_ time: Timestamp, _ topic: OutputTopic) -> MillraceError {
        MillraceError(
            .production, "A record with the negative timestamp \(time) cannot be written to topic \(topic.name).", node: name,
            task: task.id, record: task.recordMetadata)
    }
}

extension NodeAssembly {
    /// A topic that the node writes to; internal ones by their name without the application id.
    @usableFromInline
    func outputTopic(_ name: String, isInternal: Bool = false) throws -> OutputTopic {
        try task.collector.topic(isInternal ? task.internalTopic(name) : name)
    }
}

extension NodePayload {
    /// A sink to one topic; internal ones by their name without the application id.
    @inlinable
    static func sink<Key, Value>(
        to topic: String, isInternal: Bool = false, key: Serde<Key>, value: Serde<Value>, partitioner: Partitioner<Key, Value>? = nil
    ) -> NodePayload {
        var payload = NodePayload { assembly in
            let node = SinkNode(key: key, value: value, partitioner: partitioner, site: assembly.site)
            let output = try assembly.outputTopic(topic, isInternal: isInternal)
            return NodeInput { (record: Record<Key, Value>) in try node.send(record, to: output) }
        }
        payload.choosesPartitions = partitioner != nil
        return payload
    }

    /// A sink that chooses the topic for each record.
    @inlinable
    static func sink<Key, Value>(
        choosing topic: @escaping @Sendable (Record<Key, Value>) throws -> String, key: Serde<Key>, value: Serde<Value>,
        partitioner: Partitioner<Key, Value>? = nil
    ) -> NodePayload {
        NodePayload { assembly in
            let site = assembly.site
            let node = SinkNode(key: key, value: value, partitioner: partitioner, site: site)
            return NodeInput { (record: Record<Key, Value>) in
                let name: String
                do { name = try topic(record) } catch { throw site.failure(error) }
                try node.send(record, to: try assembly.outputTopic(name))
            }
        }
    }
}
