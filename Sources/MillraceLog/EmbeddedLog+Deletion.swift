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
            try moveStarts(starts, emptying: false)
        }
    }

    /// Deletes the old segments of all topics whose `cleanup.policy` has `delete`, by `retention.ms` and `retention.bytes`. A partition of which nothing is wanted any more becomes empty.
    ///
    /// - Parameter now: The time that `retention.ms` is counted back from.
    /// - Throws: `MillraceError` of kind `corruption` when records are damaged whose time matters: such a partition keeps what it has, and the others are still seen to.
    public func runRetention(now: Timestamp) throws {
        try writer.locked {
            try checkUsable()
            var starts: [(PartitionLog, Int64)] = []
            var firstError: (any Error)?
            for partition in topics.values.sorted(by: { $0.ordinal < $1.ordinal }).flatMap(\.partitions) where partition.settings.deletes {
                do {
                    let start = try partition.startAfterRetention(now: now)
                    if start > partition.startOffset { starts.append((partition, start)) }
                } catch {
                    firstError = firstError ?? error
                }
            }
            try moveStarts(starts, emptying: true)
            if let firstError { throw firstError }
        }
    }

    /// Records new start offsets and removes the segments that lie before them. Under the writer lock.
    ///
    /// - Parameter emptying: Whether the segment that is written to goes too when none of its records is left. A topic that is emptied all the time, as the engine does with
    ///   what it has repartitioned, is better off with one that stays.
    private func moveStarts(_ starts: [(partition: PartitionLog, offset: Int64)], emptying: Bool) throws {
        guard !starts.isEmpty else { return }
        var entry = JournalEntry()
        for (partition, offset) in starts {
            var mark = partition.markWithAppends
            mark.startOffset = offset
            if emptying, partition.isEmptied(by: offset) {
                mark.segmentBase = partition.endOffset
                mark.segmentBytes = 0
            }
            entry.partitions.append((partition.key, mark))
        }
        try recordInJournal(entry, sync: options.durability == .onCommit)
        var removed: [(PartitionLog, Segment)] = []
        state.locked {
            for (partition, offset) in starts {
                partition.startOffset = offset
                if emptying, partition.isEmptied(by: offset) { removed += partition.empty().map { (partition, $0) } }
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
    /// Whether no record is left that lies at `start` or behind. Kafka gives such a partition a new segment.
    func isEmptied(by start: Int64) -> Bool {
        start == endOffset && !segments.isEmpty
    }

    /// The start offset that retention asks for. Under the writer lock.
    func startAfterRetention(now: Timestamp) throws -> Int64 {
        var start = startOffset
        var bytes = segments.reduce(0) { $0 + Int64($1.committedBytes) }
        for (segment, next) in zip(segments, segments.dropFirst().map(\.baseOffset) + [endOffset]) {
            let isTooMuch = settings.retentionBytes >= 0 && bytes - Int64(segment.committedBytes) >= settings.retentionBytes
            guard try isTooMuch || isTooOld(segment, now: now) else { break }
            bytes -= Int64(segment.committedBytes)
            start = max(start, next)
        }
        return start
    }

    private func isTooOld(_ segment: Segment, now: Timestamp) throws -> Bool {
        guard settings.retentionMilliseconds >= 0 else { return false }
        let isWrittenTo = segment === segments.last
        // What the index of the segment that is written to says may be too low, and is enough when even that is young.
        if isWrittenTo, let known = try segment.index.timeEntry()?.timestamp, !isTooOld(known, now) { return false }
        guard let highest = try isWrittenTo ? segment.highestTimestampSoFar() : segment.highestTimestamp(), highest >= 0 else {
            return false
        }
        return isTooOld(highest, now)
    }

    private func isTooOld(_ time: Timestamp, _ now: Timestamp) -> Bool {
        now.milliseconds &- time.milliseconds > settings.retentionMilliseconds
    }
}
