import MillraceCore
import MillraceFormats

/// Producers that number their records, so that what is sent again after a doubt is not stored twice.
extension EmbeddedLog {
    /// Takes over the name of a producer: from now on whoever had it before is refused, also after a restart. Kafka: `InitProducerId`.
    ///
    /// Batches that carry the identity (`RecordBatchWriter.producer`) are checked when they are committed. Records of a partition are numbered from 0 on; batches of the last
    /// five commits that come again are not stored again but answered with the offset that they have; a gap is refused. What is remembered of a producer that appends
    /// nothing for a day is forgotten, and so is a name after seven: then its numbers may go on with any.
    ///
    /// - Throws: `MillraceError` of kind `transport` when the disk refuses.
    public func openProducer(named name: String) throws -> ProducerIdentity {
        try writer.locked {
            try checkUsable()
            let last = producers.names[name]?.producer
            let isUsedUp = last?.epoch == Int16.max
            let identity = last.flatMap { isUsedUp ? nil : ProducerIdentity(id: $0.id, epoch: $0.epoch + 1) } ?? newProducer()
            try take(ProducerName(name: name, producer: identity, time: clock.now()))
            return identity
        }
    }

    /// What is remembered of the producers of a partition, by id. Kafka: `describeProducers`.
    ///
    /// - Throws: `MillraceError` of kind `transport` when there is no such partition.
    public func describeProducers(of partition: TopicPartition) throws -> [ProducerDescription] {
        try writer.locked {
            let key = try existingPartition(partition).key
            return (producers.partitions[key] ?? [:]).compactMap { id, entry in
                entry.appended.last.map {
                    ProducerDescription(
                        producer: ProducerIdentity(id: id, epoch: entry.epoch), lastSequence: $0.lastSequence,
                        lastOffset: Offset($0.lastOffset), lastTime: entry.time)
                }
            }.sorted { $0.producer.id < $1.producer.id }
        }
    }

    /// Goes on with an identity that was taken when the log was open before. Under no lock.
    ///
    /// - Throws: `MillraceError` of kind `fenced` when somebody else has the name by now.
    func resumeProducer(_ identity: ProducerIdentity, named name: String) throws {
        try writer.locked {
            try checkUsable()
            if let holder = producers.names[name]?.producer {
                if holder == identity { return }
                guard holder.id == identity.id, holder.epoch < identity.epoch else {
                    throw ProducerAdmission.fenced(identity, by: holder.epoch, nil)
                }
            }
            // The power failed before it was known on the disk.
            try take(ProducerName(name: name, producer: identity, time: clock.now()))
        }
    }

    private func take(_ name: ProducerName) throws {
        var entry = JournalEntry()
        entry.producerNames = [name]
        try recordInJournal(entry, sync: options.durability == .onCommit)
        producers.apply(name)
    }

    /// An id that no other producer has, in this log or in a cluster that a partition comes from or goes to: those count from 0 up.
    private func newProducer() -> ProducerIdentity {
        ProducerIdentity(id: Int64(newTopicID().high >> 3) | 1 << 61, epoch: 0)
    }

    /// Forgets producers that have been silent for long.
    func expireProducers(now: Timestamp) {
        writer.locked { producers.expire(now: now) }
    }
}

/// What the log remembers of a producer in one partition.
public struct ProducerDescription: Hashable, Sendable {
    /// The producer that last appended.
    public var producer: ProducerIdentity
    /// The number of its last record.
    public var lastSequence: Int32
    /// The offset of its last record.
    public var lastOffset: Offset
    /// When it last appended.
    public var lastTime: Timestamp
}
