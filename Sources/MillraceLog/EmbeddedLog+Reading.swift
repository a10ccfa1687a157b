import MillraceCore
import MillraceFormats

/// What can be asked about partitions and groups.
extension EmbeddedLog {
    public func offsetRange(of partition: TopicPartition) throws -> Range<Offset> {
        try state.locked {
            let log = try existingPartition(partition)
            return Offset(log.startOffset)..<Offset(log.endOffset)
        }
    }

    public func committedOffsets(of group: String, for partitions: [TopicPartition]) throws -> [TopicPartition: CommittedOffset] {
        try state.locked {
            var found: [TopicPartition: CommittedOffset] = [:]
            guard let offsets = groups[group] else { return found }
            for partition in partitions { found[partition] = offsets[try existingPartition(partition).key] }
            return found
        }
    }

    /// The names of the groups that have committed offsets, sorted.
    public func listGroups() -> [String] {
        state.locked { groups.filter { !$0.value.isEmpty }.keys.sorted() }
    }

    /// All offsets that a group committed. Kafka: `listConsumerGroupOffsets`.
    public func committedOffsets(of group: String) -> [TopicPartition: CommittedOffset] {
        state.locked {
            let names = Dictionary(uniqueKeysWithValues: topics.values.map { ($0.ordinal, $0.description.name) })
            var found: [TopicPartition: CommittedOffset] = [:]
            for (key, offset) in groups[group] ?? [:] {
                if let name = names[key.topic] { found[TopicPartition(name, key.partition)] = offset }
            }
            return found
        }
    }

    /// The offset of the first record that is not before `time`; `nil` when all are before it. Kafka: `offsetsForTimes`.
    ///
    /// - Throws: `MillraceError` of kind `transport` when there is no such partition, of kind `corruption` when its files are damaged.
    public func offset(for partition: TopicPartition, at time: Timestamp) throws -> Offset? {
        let (view, start) = try state.locked {
            let log = try existingPartition(partition)
            return (log.view, log.startOffset)
        }
        let scratch = ByteBuffer()
        for (index, segment) in zip(view.segments.indices, view.segments) {
            let isLast = index == view.segments.endIndex - 1
            if !isLast, let highest = try segment.highestTimestamp(), highest < time { continue }
            let end = isLast ? view.lastCommittedBytes : segment.committedBytes
            let (from, next) = try segment.place(before: time, limit: end)
            var scan = BatchScan(segment.file, path: segment.path, from: from, to: end)
            var order = view.order(in: index, from: next)
            while let (batch, position) = try scan.nextVerified() {
                if let flaw = order.flaw(of: batch) { throw BatchScan.corrupt(segment.path, position, flaw) }
                guard batch.maxTimestamp >= time, batch.lastOffset.value >= start, !batch.isControl else { continue }
                var records = try batch.records(decompressingInto: scratch)
                while let record = try records.next() {
                    if record.timestamp >= time, record.offset.value >= start { return record.offset }
                }
            }
        }
        return nil
    }

    public func openSession(named name: String, group: String) throws -> any TransportSession {
        // Waits for a commit of the session that is fenced, so that it is whole before the new one reads its offsets, or fails.
        try writer.locked {
            if !isObserver { try checkUsable() }
            return state.locked {
                let epoch = (sessionEpochs[name] ?? 0) + 1
                sessionEpochs[name] = epoch
                for session in waitingSessions.values where session.name == name { session.interrupt() }
                return LogSession(self, name: name, group: group, epoch: epoch)
            }
        }
    }
}

extension PartitionLog {
    /// What can be read now. Under either lock.
    var view: BatchReader.View {
        BatchReader.View(
            segments: segments[...], lastCommittedBytes: segments.last?.committedBytes ?? 0, endOffset: endOffset, mayHaveGaps: mayHaveGaps)
    }
}
