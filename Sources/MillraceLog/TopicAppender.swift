import MillraceCore
import MillraceFormats

/// Gathers records for one topic and appends them in one commit, alone or together with a group's offsets: the producer of an app, and the way to import a file so that
/// it can be killed and goes on where it was.
///
///     let appender = try log.openAppender(to: "lines", named: "import", group: "import")
///     var done = try appender.committedOffset(of: source)?.offset ?? 0
///     for line in lines(after: done) {
///         try appender.append(key: nil, value: line, timestamp: now)
///         done = done + 1
///         if appender.byteCount > 1 << 20 { try appender.commit(offsets: [source: CommittedOffset(done)]) }
///     }
///     try appender.commit(offsets: [source: CommittedOffset(done)])
///
/// A record with a key goes to the partition that Kafka's producer would choose (murmur2); those without stay with one partition until a commit or a full batch, then
/// move to the next (Kafka: sticky partitioning). Used by one thread.
///
/// Its records are numbered, so that one commit can be tried twice and counts once: see `resume(on:)`. Kafka: `enable.idempotence`.
public final class TopicAppender {
    /// The topic that is appended to.
    public let topic: String
    /// Who the log takes this for.
    public let producer: ProducerIdentity
    private var log: EmbeddedLog
    private var session: any TransportSession
    private let topicID: TopicID
    private let name: String
    private let group: String
    private let writers: [RecordBatchWriter]
    private var stickyPartition = 0
    /// How far the writer of the sticky partition may grow before the next one has its turn.
    private var stickyLimit: Int

    init(_ log: EmbeddedLog, topic: TopicDescription, named name: String, group: String, compression: Compression) throws {
        self.log = log
        self.topic = topic.name
        topicID = topic.id
        self.name = name
        self.group = group
        session = try log.openSession(named: name, group: group)
        let producer = try log.openProducer(named: name)
        self.producer = producer
        writers = (0..<topic.partitions).map { _ in
            let writer = RecordBatchWriter(compression: compression)
            writer.producer = producer
            return writer
        }
        stickyLimit = RecordBatchWriter.defaultBatchSize
    }

    /// How many bytes wait for `commit`, before compression.
    public private(set) var byteCount = 0

    /// Adds a record to what the next `commit` appends.
    ///
    /// - Parameters:
    ///   - key: `nil` is Kafka's null.
    ///   - partition: Where it goes, if not where its key says.
    /// - Throws: `MillraceError` of kind `serialization` when it is longer than a batch can be, of kind `configuration` when there is no such partition.
    public func append(
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers = Headers(),
        partition: Partition? = nil
    ) throws {
        let writer = writers[try choosePartition(key, partition)]
        let before = writer.byteCount
        try writer.append(timestamp: timestamp, headers: headers, key: key, value: value)
        byteCount += writer.byteCount - before
    }

    /// Adds a record whose key and value are text.
    public func append(key: String?, value: String?, timestamp: Timestamp, headers: Headers = Headers()) throws {
        try TopicAppender.withBytes(key) { key in
            try TopicAppender.withBytes(value) { value in
                try append(key: key, value: value, timestamp: timestamp, headers: headers)
            }
        }
    }

    private func choosePartition(_ key: UnsafeRawBufferPointer?, _ wished: Partition?) throws -> Int {
        if let wished {
            guard writers.indices.contains(Int(wished)) else {
                throw MillraceError(
                    .configuration, "The topic \(topic) has \(writers.count) partitions, so there is no partition \(wished).")
            }
            return Int(wished)
        }
        if let key { return Int(Murmur2.partition(forKey: key, count: Int32(writers.count))) }
        if writers[stickyPartition].byteCount >= stickyLimit { moveOn() }
        return stickyPartition
    }

    private func moveOn() {
        stickyPartition = (stickyPartition + 1) % writers.count
        stickyLimit = writers[stickyPartition].byteCount + RecordBatchWriter.defaultBatchSize
    }

    /// Makes the records that were added visible, together with `offsets` of the appender's group, all of it or nothing.
    ///
    /// When it throws, the records are still there, and it may be called again if the error is retriable.
    ///
    /// - Returns: The offset of the first record in each partition that got any.
    /// - Throws: `MillraceError` of kind `fenced` when a newer appender or session has the same name, of kind `transport` when the disk refuses.
    @discardableResult
    public func commit(offsets: [TopicPartition: CommittedOffset] = [:]) throws -> [TopicPartition: Offset] {
        var outputs: [OutputBatches] = []
        for (number, writer) in writers.enumerated() where writer.recordCount > 0 {
            try writer.finish()
            outputs.append(
                OutputBatches(partition: TopicPartition(topic, Partition(number)), bytes: writer.output, recordCount: writer.recordCount))
        }
        let first = try session.commit(outputs, offsets: offsets)
        for writer in writers { writer.reset() }
        byteCount = 0
        moveOn()
        return Dictionary(uniqueKeysWithValues: zip(outputs.map(\.partition), first))
    }

    /// Goes on with a log that was opened anew, because the last commit threw and left open whether it happened. What waits for `commit` stays, and the next one stores what
    /// is not stored yet: its result is the offsets that the records have in either case.
    ///
    /// - Throws: `MillraceError` of kind `fenced` when somebody else took the name, of kind `transport` when the topic is not there any more as it was.
    public func resume(on log: EmbeddedLog) throws {
        guard try log.describeTopic(topic)?.id == topicID else {
            throw MillraceError(.transport, "The topic \(topic) is not there any more in \(log.path), so \(name) cannot go on with it.")
        }
        try log.resumeProducer(producer, named: name)
        session.close()
        session = try log.openSession(named: name, group: group)
        self.log = log
    }

    /// What the group last committed for a partition, of any topic; `nil` when nothing.
    public func committedOffset(of partition: TopicPartition) throws -> CommittedOffset? {
        try log.committedOffsets(of: group, for: [partition])[partition]
    }

    /// Forgets what was not committed and gives the name free.
    public func close() {
        for writer in writers { writer.reset() }
        byteCount = 0
        session.close()
    }

    private static func withBytes<Result>(_ text: String?, _ body: (UnsafeRawBufferPointer?) throws -> Result) rethrows -> Result {
        guard var text else { return try body(nil) }
        return try text.withUTF8 { try body(UnsafeRawBufferPointer($0)) }
    }
}

extension EmbeddedLog {
    /// An appender to a topic.
    ///
    /// - Parameters:
    ///   - name: Like that of a session: whoever opens another of the same name fences this one.
    ///   - group: The group whose offsets its commits move.
    /// - Throws: `MillraceError` of kind `transport` when there is no such topic.
    public func openAppender(to topic: String, named name: String, group: String, compression: Compression = .none) throws -> TopicAppender
    {
        guard let description = try describeTopic(topic) else {
            throw MillraceError(.transport, "There is no topic \(topic) in \(path). Create it first.")
        }
        return try TopicAppender(self, topic: description, named: name, group: group, compression: compression)
    }
}
