import MillraceCore
import MillraceFormats

/// Brings the files of a partition back to what the journal says, which reads the last segment's indexes at most and no records.
struct PartitionRecovery {
    let files: OpenFiles
    /// Whether the machine may have lost what was written last.
    var mayHaveLostUnsyncedData = false
    private var fileSystem: any FileSystem { files.fileSystem }

    /// Opens a partition, cutting off and removing what was never committed.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when committed records are missing.
    func open(_ name: TopicPartition, key: PartitionKey, directory: String, id: TopicID, settings: TopicSettings, mark: PartitionMark)
        throws -> PartitionLog
    {
        if !fileSystem.exists(directory) {
            guard mark.endOffset == 0 else {
                throw MillraceError(
                    .corruption,
                    "The directory \(directory) is missing, and should hold \(name) up to offset \(mark.endOffset). Restore it from a backup."
                )
            }
            try fileSystem.makeDirectory(directory)
        }
        let names = try fileSystem.list(directory)
        try completeSmallFiles(directory, names, id)
        let segments = try openSegments(directory, names, mark, mayLackFirst: settings.compacts)
        return PartitionLog(
            name, key: key, directory: directory, settings: settings, mark: mark, segments: segments, files: files)
    }

    /// Sees to the two small files that Kafka has in each partition's directory.
    ///
    /// Nobody waits for them to reach the disk, as topics may have thousands of partitions: what they say is known from elsewhere, so that they can be written again where the machine lost them.
    private func completeSmallFiles(_ directory: String, _ names: [String], _ id: TopicID) throws {
        let epochs = (LeaderEpochs.fileName, LeaderEpochs([.init(epoch: 0, startOffset: 0)]).text)
        for (name, text) in [epochs, (PartitionMetadata.fileName, PartitionMetadata(topicID: id).text)] {
            let path = directory + "/" + name
            if names.contains(name), try !mayHaveLostUnsyncedData || holds(path, text) { continue }
            try fileSystem.replaceUnsynced(path, with: text)
        }
    }

    private func holds(_ path: String, _ text: String) throws -> Bool {
        let file = try fileSystem.open(path, writable: false)
        guard try file.size() == text.utf8.count else { return false }
        return try file.contents(path, maximum: text.utf8.count) == Array(text.utf8)
    }

    /// - Parameter mayLackFirst: Whether compaction may have left nothing of the first segments.
    private func openSegments(_ directory: String, _ names: [String], _ mark: PartitionMark, mayLackFirst: Bool) throws -> [Segment] {
        for name in names where name.hasSuffix(SegmentCompaction.unfinishedSuffix) { try fileSystem.remove(directory + "/" + name) }
        var bases = names.compactMap(SegmentFiles.baseOffset(ofLog:)).sorted()
        // Without a segment that holds committed records none of the others does either: they are left of what was deleted.
        let isUncommitted = { (base: Int64) in base > mark.segmentBase || mark.segmentBytes == 0 }
        for base in bases where isUncommitted(base) { try remove(base, directory) }
        bases.removeAll(where: isUncommitted)
        // Segments below the start are what a deletion left behind that was interrupted.
        while bases.count > 1, bases[1] <= mark.startOffset { try remove(bases.removeFirst(), directory) }
        if !mayLackFirst, let first = bases.first, first > mark.startOffset {
            throw MillraceError(
                .corruption,
                "\(directory)/\(SegmentFiles.name(mark.startOffset, SegmentFiles.log)), or a segment like it, is missing: records were committed from offset \(mark.startOffset) on, and the first there are begin at \(first). Restore it from a backup."
            )
        }
        guard mark.segmentBytes == 0 || bases.last == mark.segmentBase else {
            throw MillraceError(
                .corruption,
                "\(directory)/\(SegmentFiles.name(mark.segmentBase, SegmentFiles.log)) is missing, and should hold records up to offset \(mark.endOffset). Restore it from a backup."
            )
        }
        return try bases.map { base in
            let segment = try Segment(files, directory: directory, baseOffset: base, committedBytes: 0)
            let size = try segment.file.size()
            segment.committedBytes = base == mark.segmentBase ? mark.segmentBytes : size
            if size < segment.committedBytes {
                throw BatchScan.corrupt(
                    segment.path, size, "The file ends here, although records were committed up to byte \(segment.committedBytes).")
            }
            if size > segment.committedBytes { try segment.file.truncate(to: segment.committedBytes) }
            return segment
        }
    }

    private func remove(_ base: Int64, _ directory: String) throws {
        for kind in SegmentFiles.all { try fileSystem.remove(directory + "/" + SegmentFiles.name(base, kind)) }
    }

    /// Whether the records between two marks are there and whole: asked after a failure of power, of commits that had not been synced.
    func holdsRecords(_ directory: String, from old: PartitionMark, to new: PartitionMark) throws -> Bool {
        guard fileSystem.exists(directory) else { return new.endOffset == 0 }
        var bases = try fileSystem.list(directory).compactMap(SegmentFiles.baseOffset(ofLog:)).filter {
            $0 <= new.segmentBase && $0 >= old.segmentBase
        }.sorted()
        if new.endOffset == old.endOffset { return true }
        if old.segmentBytes == 0 { bases.removeAll { $0 < new.segmentBase && $0 < old.endOffset } }
        var expected = old.endOffset
        for base in bases {
            let path = directory + "/" + SegmentFiles.name(base, SegmentFiles.log)
            let file = try fileSystem.open(path, writable: false)
            let end = base == new.segmentBase ? new.segmentBytes : try file.size()
            guard try file.size() >= end else { return false }
            var scan = BatchScan(file, path: path, from: base == old.segmentBase ? old.segmentBytes : 0, to: end)
            do {
                while let (batch, _) = try scan.next() {
                    guard batch.baseOffset.value == expected, batch.hasValidChecksum else { return false }
                    expected = batch.nextOffset.value
                }
            } catch let error as MillraceError where error.kind == .corruption {
                return false
            }
        }
        return expected == new.endOffset
    }
}
