import MillraceCore
import MillraceFormats

/// The outputs of a worker's tasks since the last commit: record batches for each partition, written straight into their final form.
package final class RecordCollector {
    private var topics: [String: OutputTopic] = [:]
    private let directory: any TopicDirectory

    package init(_ directory: any TopicDirectory) {
        self.directory = directory
    }

    /// The topic of this name, to be written to. The same object for the same name.
    ///
    /// - Throws: `MillraceError` of kind `transport` when there is no such topic.
    func topic(_ name: String) throws -> OutputTopic {
        if let topic = topics[name] { return topic }
        let topic = OutputTopic(name, partitionCount: try directory.partitionCount(of: name))
        topics[name] = topic
        return topic
    }

    package var isEmpty: Bool { topics.values.allSatisfy(\.isEmpty) }

    /// Everything written since the last `removeAll`, ordered by topic and partition.
    package func batches() throws -> [OutputBatches] {
        try topics.values.sorted { $0.name < $1.name }.flatMap { try $0.batches() }
    }

    /// Forgets what was written, after it was committed or given up.
    package func removeAll() {
        for topic in topics.values { topic.removeAll() }
    }

    /// Roughly the bytes that wait for the next commit.
    package var pendingBytes: Int { topics.values.reduce(0) { $0 + $1.pendingBytes } }
}

/// A topic that a worker writes to.
@usableFromInline
package final class OutputTopic {
    let name: String
    @usableFromInline let partitionCount: Int32
    @exclusivity(unchecked) private var writers: ContiguousArray<RecordBatchWriter?>
    /// Where records without a key go until the next commit: one partition at a time makes larger batches. Kafka: the sticky partitioner.
    @exclusivity(unchecked) private var stickyPartition: Int32 = 0

    init(_ name: String, partitionCount: Int32) {
        self.name = name
        self.partitionCount = partitionCount
        writers = ContiguousArray(repeating: nil, count: Int(partitionCount))
    }

    /// The partition of a key by Kafka's default partitioner.
    @usableFromInline
    func partition(of key: UnsafeRawBufferPointer?) -> Int32 {
        guard let key else { return stickyPartition }
        return partitionCount == 1 ? 0 : Murmur2.partition(forKey: key, count: partitionCount)
    }

    /// Adds a record; the bytes are copied.
    @usableFromInline
    func append(
        partition: Partition, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers
    ) throws {
        let writer = try writer(partition)
        if headers.isEmpty {
            try writer.append(timestamp: timestamp, key: key, value: value)
        } else {
            try writer.append(timestamp: timestamp, headers: headers, key: key, value: value)
        }
    }

    var isEmpty: Bool { writers.allSatisfy { ($0?.recordCount ?? 0) == 0 } }

    var pendingBytes: Int { writers.reduce(0) { $0 + ($1.map { $0.recordCount == 0 ? 0 : $0.byteCount } ?? 0) } }

    func batches() throws -> [OutputBatches] {
        try writers.enumerated().compactMap { partition, writer in
            guard let writer, writer.recordCount > 0 else { return nil }
            try writer.finish()
            return OutputBatches(
                partition: TopicPartition(name, Partition(partition)), bytes: writer.output, recordCount: writer.recordCount)
        }
    }

    func removeAll() {
        for writer in writers where (writer?.recordCount ?? 0) > 0 { writer?.reset() }
        if partitionCount > 1 { stickyPartition = (stickyPartition + 1) % partitionCount }
    }

    private func writer(_ partition: Partition) throws -> RecordBatchWriter {
        guard partition >= 0, partition < partitionCount else {
            throw MillraceError(
                .configuration,
                "A record was to go to partition \(partition) of topic \(name), which has \(partitionCount). A partitioner must give a number from 0 to \(partitionCount - 1)."
            )
        }
        if let writer = writers[Int(partition)] { return writer }
        let writer = RecordBatchWriter()
        writers[Int(partition)] = writer
        return writer
    }
}
