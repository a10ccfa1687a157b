import MillraceCore

/// A transport that does something else in a few places and is another one in all the rest: for tests in which commits fail, groups quarrel or time stands still.
///
/// `openSession` has to be written: it says which calls of a session are different.
package protocol WrappedTransport: Transport {
    /// What does the work.
    var wrapped: any Transport { get }
}

extension WrappedTransport {
    package func describeTopic(_ name: String) throws -> TopicDescription? { try wrapped.describeTopic(name) }
    package func listTopics() throws -> [String] { try wrapped.listTopics() }
    package func createTopic(_ topic: TopicSpecification) throws { try wrapped.createTopic(topic) }
    package func deleteRecords(before offsets: [TopicPartition: Offset]) throws { try wrapped.deleteRecords(before: offsets) }
    package func offsetRange(of partition: TopicPartition) throws -> Range<Offset> { try wrapped.offsetRange(of: partition) }
    package func committedOffsets(of group: String, for partitions: [TopicPartition]) throws -> [TopicPartition: CommittedOffset] {
        try wrapped.committedOffsets(of: group, for: partitions)
    }
}

/// A session that is another one but for what its type says itself.
package protocol WrappedSession: TransportSession {
    /// What does the work.
    var wrapped: any TransportSession { get }
}

extension WrappedSession {
    package func assign(_ positions: [TopicPartition: Offset]) throws { try wrapped.assign(positions) }
    package func pause(_ partition: TopicPartition) { wrapped.pause(partition) }
    package func resume(_ partition: TopicPartition) { wrapped.resume(partition) }
    package func poll(maxBytes: Int, timeout: Duration) throws -> [FetchedBatches] {
        try wrapped.poll(maxBytes: maxBytes, timeout: timeout)
    }
    package func wake() { wrapped.wake() }
    package func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset]) throws -> [Offset] {
        try wrapped.commit(outputs, offsets: offsets)
    }
    package func close() { wrapped.close() }
}
