import MillraceCore
import MillraceFormats

/// Keeping of each key only the last record, in topics whose `cleanup.policy` has `compact`.
extension EmbeddedLog {
    /// Compacts all topics that ask for it and have enough to gain (`min.cleanable.dirty.ratio`); commits and reads go on meanwhile. The segment that is written to stays.
    ///
    /// - Parameters:
    ///   - now: The time from which `min.compaction.lag.ms` and `delete.retention.ms` count.
    ///   - memory: What the keys may take, 24 bytes each. With more keys than fit, a later run goes on where this one ends.
    /// - Throws: `MillraceError` of kind `corruption` when records are damaged: such a partition stays as it is, and the others are still compacted.
    public func runCompaction(now: Timestamp, memory: Int = Housekeeping().compactionMemory) throws {
        try compact(now: now, memory: memory) { _ in }
    }

    /// - Parameter pace: Called with the bytes that were read, so that it can slow down or, by throwing, end the work.
    func compact(now: Timestamp, memory: Int, pace: @escaping (Int) throws -> Void) throws {
        var firstError: (any Error)?
        let candidates = try writer.locked {
            try checkUsable()
            return topics.values.flatMap(\.partitions).filter(\.settings.compacts).sorted { $0.name < $1.name }
        }
        for partition in candidates {
            do {
                try compact(partition, now: now, memory: memory, pace: pace)
            } catch let error as MillraceError where error.kind == .cancelled {
                throw error
            } catch {
                firstError = firstError ?? error
            }
        }
        if let firstError { throw firstError }
    }

    private func compact(_ partition: PartitionLog, now: Timestamp, memory: Int, pace: @escaping (Int) throws -> Void) throws {
        try compacting.locked {
            let done = try CleanedOffsets(fileSystem, directory: path)
            let start = done.offset(of: partition.key)
            let segments = try writer.locked { () -> [Segment] in
                guard failure == nil, !partition.isDeleted else { return [] }
                let segments = try partition.cleanableSegments(from: start, now: now)
                // What a compaction replaces must not be asked for by the recovery of a commit that was not yet known to be on the disk.
                if !segments.isEmpty { try sealSynced() }
                return segments
            }
            guard !segments.isEmpty else { return }
            let work = SegmentCompaction(
                fileSystem: fileSystem, directory: partition.directory, settings: partition.settings, now: now, pace: pace)
            let firstDirty = segments.lastIndex { $0.baseOffset <= start } ?? 0
            let (keys, end) = try work.keyOffsets(Array(segments[firstDirty...]), from: start, memory: memory)
            let cleaned = segments.prefix { $0.baseOffset < end }
            for group in PartitionLog.groups(Array(cleaned), settings: partition.settings) {
                let length = try work.write(group, without: keys)
                try replace(group, of: partition, byteCount: length)
            }
            try CleanedOffsets(fileSystem, directory: path).replacing(partition.key, with: end).write(fileSystem, directory: path)
        }
    }

    /// Puts a compacted segment in the place of those that it was made of.
    private func replace(_ old: ArraySlice<Segment>, of partition: PartitionLog, byteCount: Int) throws {
        guard let base = old.first?.baseOffset else { return }
        let prefix = partition.directory + "/"
        let suffix = SegmentCompaction.unfinishedSuffix
        try writer.locked {
            guard let first = partition.segments.firstIndex(where: { $0 === old.first }), !partition.isDeleted, failure == nil,
                partition.segments.count > first + old.count
            else {
                // Retention or a deletion was faster.
                for kind in SegmentFiles.all { try fileSystem.remove(prefix + SegmentFiles.name(base, kind) + suffix) }
                return
            }
            for segment in old { try segment.keepOpen() }
            var replacement: [Segment] = []
            if byteCount > 0 {
                // The log before its indexes: an index is not believed when there is no batch where it says.
                for kind in [SegmentFiles.log, SegmentFiles.offsetIndex, SegmentFiles.timeIndex] {
                    let name = prefix + SegmentFiles.name(base, kind)
                    try fileSystem.rename(name + suffix, to: name)
                }
                replacement = [try Segment(files, directory: partition.directory, baseOffset: base, committedBytes: byteCount)]
            } else {
                for kind in SegmentFiles.all { try fileSystem.remove(prefix + SegmentFiles.name(base, kind) + suffix) }
            }
            try fileSystem.syncDirectory(partition.directory)
            state.locked { partition.segments.replaceSubrange(first..<first + old.count, with: replacement) }
            for segment in old where segment.baseOffset != base || byteCount == 0 { partition.removeFiles(of: segment) }
        }
    }
}

extension PartitionLog {
    /// The segments that a compaction may write again; none when there is too little to gain. Under the writer lock.
    func cleanableSegments(from start: Int64, now: Timestamp) throws -> [Segment] {
        var cleanable: [Segment] = []
        for segment in segments.dropLast() {
            if settings.minCompactionLagMilliseconds > 0, let highest = try segment.highestTimestamp(),
                now.milliseconds &- highest.milliseconds < settings.minCompactionLagMilliseconds
            {
                break
            }
            cleanable.append(segment)
        }
        let total = cleanable.reduce(0) { $0 + $1.committedBytes }
        let dirtySegments = cleanable.filter { $0.baseOffset >= start }
        let dirty = dirtySegments.reduce(0) { $0 + $1.committedBytes }
        guard dirty > 0 else { return [] }
        let isEnough = Double(dirty) >= settings.minCleanableDirtyRatio * Double(total)
        return try isEnough || isOverdue(dirtySegments, now: now) ? cleanable : []
    }

    /// Whether the oldest records that were never compacted have waited for `max.compaction.lag.ms`.
    private func isOverdue(_ dirty: [Segment], now: Timestamp) throws -> Bool {
        guard settings.maxCompactionLagMilliseconds < .max, var scan = dirty.first?.scan(from: 0) else { return false }
        guard let first = try scan.next()?.batch.maxTimestamp, first >= 0 else { return false }
        return now.milliseconds &- first.milliseconds > settings.maxCompactionLagMilliseconds
    }

    /// Joins neighbours that fit into one segment before anything is removed, so that small segments do not pile up.
    static func groups(_ segments: [Segment], settings: TopicSettings) -> [ArraySlice<Segment>] {
        var groups: [ArraySlice<Segment>] = []
        var start = 0
        var bytes = 0
        for (index, segment) in segments.enumerated() {
            let isTooFar = segment.baseOffset - segments[start].baseOffset > Int64(Int32.max) / 2
            if index > start, Int64(bytes + segment.committedBytes) > settings.segmentBytes || isTooFar {
                groups.append(segments[start..<index])
                start = index
                bytes = 0
            }
            bytes += segment.committedBytes
        }
        if start < segments.count { groups.append(segments[start...]) }
        return groups
    }
}
