import MillraceCore
import MillraceFormats

/// The outputs of a worker's tasks since the last commit: record batches for each partition, written straight into their final form.
package final class RecordCollector {
    private var topics: [String: OutputTopic] = [:]
    /// The same, in the order of their first use.
    private var inOrder: [OutputTopic] = []
    private let directory: any TopicDirectory
    private let pending = PendingBytes()
    /// Whether outputs have left memory since the last commit.
    private(set) var hasStaged = false

    package init(_ directory: any TopicDirectory) {
        self.directory = directory
    }

    /// The topic of this name, to be written to. The same object for the same name.
    ///
    /// - Throws: `MillraceError` of kind `transport` when there is no such topic.
    func topic(_ name: String) throws -> OutputTopic {
        if let topic = topics[name] { return topic }
        let topic = OutputTopic(
            name, partitionCount: try directory.partitionCount(of: name), recordLimit: try directory.recordLimit(of: name), pending)
        topics[name] = topic
        inOrder.append(topic)
        return topic
    }

    package var isEmpty: Bool { topics.values.allSatisfy(\.isEmpty) }

    /// Lets outputs leave memory ahead of the commit, whenever more than `limit` bytes of them wait.
    ///
    /// - Parameter stage: Takes batches; says `false` if it never does.
    func stage(above limit: Int, _ stage: @escaping ([OutputBatches]) throws -> Bool) {
        pending.limit = limit
        pending.overflow = { [unowned self] in
            let outputs = try topics.values.sorted { $0.name < $1.name }.flatMap { try $0.batches() }.filter { $0.bytes.count > 0 }
            guard try stage(outputs) else {
                pending.limit = .max
                return
            }
            for topic in topics.values { topic.noteStaged() }
            pending.count = 0
            hasStaged = true
        }
    }

    /// Everything written since the last `removeAll`, ordered by topic and partition.
    package func batches() throws -> [OutputBatches] {
        try topics.values.sorted { $0.name < $1.name }.flatMap { try $0.batches() }
    }

    /// Forgets what was written, after it was committed or given up.
    package func removeAll() {
        for topic in topics.values { topic.removeAll() }
        pending.count = 0
        hasStaged = false
    }

    /// How many records each topic was given so far, whether they were committed or not. Topics keep their places; new ones come at the end.
    var recordCounts: some Collection<(name: String, count: Int)> { inOrder.lazy.map { ($0.name, $0.recordCount) } }

    /// Roughly the bytes that wait for the next commit. Asked for every record, and therefore counted, not summed up.
    package var pendingBytes: Int { pending.count }
}

/// A number that the topics of a collector share.
private final class PendingBytes {
    @exclusivity(unchecked) var count = 0
    /// `overflow` is called when there are more.
    @exclusivity(unchecked) var limit = Int.max
    var overflow: () throws -> Void = {}
}

/// A topic that a worker writes to.
@usableFromInline
package final class OutputTopic {
    let name: String
    @usableFromInline let partitionCount: Int32
    @exclusivity(unchecked) private var writers: ContiguousArray<RecordBatchWriter?>
    /// Records of each partition that have left memory ahead of the commit.
    private var staged: [Int: Int] = [:]
    /// Where records without a key go until the next commit: one partition at a time makes larger batches. Kafka: the sticky partitioner.
    @exclusivity(unchecked) private var stickyPartition: Int32 = 0
    /// Records written so far.
    @exclusivity(unchecked) fileprivate var recordCount = 0
    /// The longest batch, and with it record, that the topic takes.
    private let recordLimit: Int
    private let pending: PendingBytes

    fileprivate init(_ name: String, partitionCount: Int32, recordLimit: Int, _ pending: PendingBytes) {
        self.name = name
        self.partitionCount = partitionCount
        self.recordLimit = recordLimit
        self.pending = pending
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
        var size = (key?.count ?? 0) + (value?.count ?? 0)
        if !headers.isEmpty { for header in headers { size += header.name.utf8.count + (header.value?.count ?? 0) + 10 } }
        // Refused here, where it is known which record it is; at the commit it would take all others with it.
        if size > recordLimit { throw tooLong(size) }
        pending.count += size + 16
        recordCount += 1
        if headers.isEmpty {
            try writer.append(timestamp: timestamp, key: key, value: value)
        } else {
            try writer.append(timestamp: timestamp, headers: headers, key: key, value: value)
        }
        if pending.count > pending.limit { try pending.overflow() }
    }

    var isEmpty: Bool { staged.isEmpty && writers.allSatisfy { ($0?.recordCount ?? 0) == 0 } }

    /// What is in memory. Its count of records includes those that have left it.
    func batches() throws -> [OutputBatches] {
        try writers.enumerated().compactMap { partition, writer in
            guard let writer, writer.recordCount > 0 || staged[partition] != nil else { return nil }
            if writer.recordCount > 0 { try writer.finish() }
            return OutputBatches(
                partition: TopicPartition(name, Partition(partition)), bytes: writer.output,
                recordCount: writer.recordCount + (staged[partition] ?? 0))
        }
    }

    /// What `batches` returned has left memory.
    fileprivate func noteStaged() {
        for (partition, writer) in writers.enumerated() {
            guard let writer, writer.recordCount > 0 else { continue }
            staged[partition, default: 0] += writer.recordCount
            writer.reset()
        }
    }

    func removeAll() {
        for writer in writers where (writer?.recordCount ?? 0) > 0 { writer?.reset() }
        if !staged.isEmpty { staged = [:] }
        if partitionCount > 1 { stickyPartition = (stickyPartition + 1) % partitionCount }
    }

    private func tooLong(_ size: Int) -> MillraceError {
        MillraceError(
            .production,
            "A record of \(size) bytes is longer than topic \(name) takes. Raise the topic's max.message.bytes (for the app's own topics: StreamsConfiguration.internalTopicSettings), or send smaller records."
        )
    }

    private func writer(_ partition: Partition) throws -> RecordBatchWriter {
        guard partition >= 0, partition < partitionCount else {
            throw MillraceError(
                .configuration,
                "A record was to go to partition \(partition) of topic \(name), which has \(partitionCount). A partitioner must give a number from 0 to \(partitionCount - 1)."
            )
        }
        if let writer = writers[Int(partition)] { return writer }
        let writer = RecordBatchWriter(batchSize: min(RecordBatchWriter.defaultBatchSize, recordLimit))
        writers[Int(partition)] = writer
        return writer
    }
}
