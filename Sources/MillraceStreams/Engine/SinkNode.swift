import MillraceCore
import MillracePlan

/// Chooses the partition of a record: the partition, or `nil` to leave it to Kafka's default. Kafka: `StreamPartitioner`.
public typealias Partitioner<Key, Value> = @Sendable (Key, Value, _ partitionCount: Int32) throws -> Int32?

/// The end of a task: serialises records straight into the output's batches.
final class SinkNode<Key, Value> {
    private let keySerde: Serde<Key>
    private let valueSerde: Serde<Value>
    private let partitioner: Partitioner<Key, Value>?
    private let site: NodeSite
    private let key = ByteBuffer()
    private let value = ByteBuffer()

    init(key: Serde<Key>, value: Serde<Value>, partitioner: Partitioner<Key, Value>?, site: NodeSite) {
        keySerde = key
        valueSerde = value
        self.partitioner = partitioner
        self.site = site
    }

    func send(_ record: Record<Key, Value>, to topic: OutputTopic) throws {
        key.removeAll()
        value.removeAll()
        let keyBytes: UnsafeRawBufferPointer?
        let valueBytes: UnsafeRawBufferPointer?
        do {
            keyBytes = try keySerde.write(record.key, to: key) ? key.bytes : nil
            valueBytes = try valueSerde.write(record.value, to: value) ? value.bytes : nil
        } catch {
            throw MillraceError(
                .serialization, "A record cannot be written to topic \(topic.name).", cause: error, node: site.name, task: site.task.id,
                record: site.task.recordMetadata)
        }
        var partition: Int32?
        if let partitioner {
            do { partition = try partitioner(record.key, record.value, topic.partitionCount) } catch { throw site.failure(error) }
        }
        guard record.timestamp.milliseconds >= 0 else {
            throw MillraceError(
                .processing, "A record with the negative timestamp \(record.timestamp) cannot be written to topic \(topic.name).",
                node: site.name, task: site.task.id, record: site.task.recordMetadata)
        }
        try topic.append(
            partition: partition ?? topic.partition(of: keyBytes.map(keySerde.partitioningBytes)), key: keyBytes, value: valueBytes,
            timestamp: record.timestamp, headers: record.headers)
    }
}

extension NodePayload {
    /// A sink to one topic; internal ones by their name without the application id.
    static func sink<Key, Value>(
        to topic: String, isInternal: Bool = false, key: Serde<Key>, value: Serde<Value>, partitioner: Partitioner<Key, Value>? = nil
    ) -> NodePayload {
        NodePayload { assembly in
            let node = SinkNode(key: key, value: value, partitioner: partitioner, site: assembly.site)
            let output = try assembly.task.collector.topic(isInternal ? assembly.task.internalTopic(topic) : topic)
            return NodeInput { (record: Record<Key, Value>) in try node.send(record, to: output) }
        }
    }

    /// A sink that chooses the topic for each record.
    static func sink<Key, Value>(
        choosing topic: @escaping @Sendable (Record<Key, Value>) throws -> String, key: Serde<Key>, value: Serde<Value>,
        partitioner: Partitioner<Key, Value>? = nil
    ) -> NodePayload {
        NodePayload { assembly in
            let site = assembly.site
            let collector = assembly.task.collector
            let node = SinkNode(key: key, value: value, partitioner: partitioner, site: site)
            return NodeInput { (record: Record<Key, Value>) in
                let name: String
                do { name = try topic(record) } catch { throw site.failure(error) }
                try node.send(record, to: try collector.topic(name))
            }
        }
    }
}
