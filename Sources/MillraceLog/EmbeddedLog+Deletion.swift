import MillraceCore

/// Letting old records go.
extension EmbeddedLog {
    public func deleteRecords(before offsets: [TopicPartition: Offset]) throws {
        try writer.locked {
            try checkUsable()
            var starts: [(PartitionLog, Int64)] = []
            for (name, offset) in offsets.sorted(by: { $0.key < $1.key }) {
                let partition = try existingPartition(name)
                guard offset.value <= partition.endOffset else {
                    throw MillraceError(
                        .transport, "The records of \(name) before offset \(offset) cannot be deleted: it ends at \(partition.endOffset).")
                }
                if offset.value > partition.startOffset { starts.append((partition, offset.value)) }
            }
            try moveStarts(starts)
        }
    }

    /// Deletes the old segments of all topics whose `cleanup.policy` has `delete`, by `retention.ms` and `retention.bytes`. The segment that is written to stays.
    ///
    /// - Parameter now: The time that `retention.ms` is counted back from.
    public func runRetention(now: Timestamp) throws {
        try writer.locked {
            try checkUsable()
            var starts: [(PartitionLog, Int64)] = []
            for topic in topics.values.sorted(by: { $0.ordinal < $1.ordinal }) {
                for partition in topic.partitions where partition.settings.deletes {
                    let start = try partition.startAfterRetention(now: now)
                    if start > partition.startOffset { starts.append((partition, start)) }
                }
            }
            try moveStarts(starts)
        }
    }

    /// Records new start offsets and removes the segments that lie before them. Under the writer lock.
    private func moveStarts(_ starts: [(partition: PartitionLog, offset: Int64)]) throws {
        guard !starts.isEmpty else { return }
        var entry = JournalEntry()
        for (partition, offset) in starts {
            var mark = partition.markWithAppends
            mark.startOffset = offset
            entry.partitions.append((partition.key, mark))
        }
        try recordInJournal(entry, sync: options.durability == .onCommit)
        var removed: [(PartitionLog, Segment)] = []
        state.locked {
            for (partition, offset) in starts {
                partition.startOffset = offset
                while partition.segments.count > 1, partition.segments[1].baseOffset <= offset {
                    removed.append((partition, partition.segments.removeFirst()))
                }
            }
        }
        // The files go only when it is on the disk that nobody needs them.
        if !removed.isEmpty { try sealSynced() }
        for (partition, segment) in removed { partition.removeFiles(of: segment) }
    }
}

extension PartitionLog {
    /// The start offset that retention asks for. Under the writer lock.
    func startAfterRetention(now: Timestamp) throws -> Int64 {
        var start = startOffset
        var bytes = segments.reduce(0) { $0 + Int64($1.committedBytes) }
        for (segment, next) in zip(segments, segments.dropFirst()) {
            let isTooMuch = settings.retentionBytes >= 0 && bytes - Int64(segment.committedBytes) >= settings.retentionBytes
            guard try isTooMuch || isTooOld(segment, now: now) else { break }
            bytes -= Int64(segment.committedBytes)
            start = max(start, next.baseOffset)
        }
        return start
    }

    private func isTooOld(_ segment: Segment, now: Timestamp) throws -> Bool {
        guard settings.retentionMilliseconds >= 0, let highest = try highestTimestamp(of: segment), highest >= 0 else { return false }
        return now.milliseconds &- highest.milliseconds > settings.retentionMilliseconds
    }

    /// The highest timestamp of a segment that is written to no more.
    func highestTimestamp(of segment: Segment) throws -> Timestamp? {
        // The index is not synced with the records, so a failure of power may have left anything in it: what it says must fit the first batch at least.
        var first = segment.scan(from: 0)
        let least = try first.next()?.batch.maxTimestamp ?? .none
        if let known = try segment.index.finishedMaxTimestamp(), known >= least { return known }
        var highest: Timestamp?
        var scan = segment.scan(from: 0)
        while let (batch, _) = try scan.next() { highest = max(highest ?? batch.maxTimestamp, batch.maxTimestamp) }
        return highest
    }
}
