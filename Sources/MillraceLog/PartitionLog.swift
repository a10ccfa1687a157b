import MillraceCore
import MillraceFormats

/// One partition on the disk: its segments, oldest first, and how far they are committed.
///
/// Two locks of the log guard it. The writer lock lets one thread change it. What readers use (`segments`, `startOffset`, `endOffset`, `settings`, `isDeleted`, and the
/// segments' `committedBytes`) changes only when that thread holds the state lock too, so that either lock is enough to read it.
final class PartitionLog: @unchecked Sendable {
    let name: TopicPartition
    let key: PartitionKey
    let directory: String
    let files: OpenFiles
    var fileSystem: any FileSystem { files.fileSystem }
    var settings: TopicSettings

    var segments: [Segment]
    var startOffset: Int64
    private(set) var endOffset: Int64
    var isDeleted = false
    /// Offsets may be missing since a time before the present settings. Guarded as `settings` is.
    var hadGaps = false
    /// Whether offsets may be missing between records.
    var mayHaveGaps: Bool { hadGaps || settings.compacts }

    // What is appended and not yet committed belongs to the writer lock.
    private var nextOffset: Int64
    private var writePosition: Int
    private var newSegments: [Segment] = []
    private var indexIsOpen = false
    /// Whether the file of the last segment may be longer on the disk than what counts: a commit that failed leaves something, and so does a process that was killed.
    private var mayHaveRest = true
    /// The first offsets of segments that never counted and could not be removed.
    private var leftBases: Set<Int64> = []

    /// Opens what a partition holds according to `mark`.
    init(
        _ name: TopicPartition, key: PartitionKey, directory: String, settings: TopicSettings, mark: PartitionMark, segments: [Segment],
        files: OpenFiles
    ) {
        self.name = name
        self.key = key
        self.directory = directory
        self.settings = settings
        self.segments = segments
        self.files = files
        startOffset = mark.startOffset
        endOffset = mark.endOffset
        nextOffset = mark.endOffset
        writePosition = mark.segmentBytes
    }

    /// What a journal entry says of the partition when what was appended counts.
    var markWithAppends: PartitionMark {
        let last = newSegments.last ?? segments.last
        return PartitionMark(
            startOffset: startOffset, endOffset: nextOffset, segmentBase: last?.baseOffset ?? nextOffset,
            segmentBytes: last == nil ? 0 : writePosition)
    }

    // MARK: Appending, under the writer lock

    /// Writes batches behind the last ones, setting their base offsets. They do not count before `publish`.
    ///
    /// - Returns: The offset of the first record.
    /// - Throws: `MillraceError` of kind `corruption` when the bytes are not whole batches, of kind `configuration` when one is longer than the topic allows.
    func append(_ output: ByteBuffer, now: Timestamp) throws -> Offset {
        let first = Offset(nextOffset)
        let bytes = try converted(output)
        var writeStart = 0
        var place = 0
        while place < bytes.count {
            let batch = try RecordBatch(startOf: UnsafeRawBufferPointer(rebasing: bytes.bytes[place...]))
            try checkLength(batch)
            let lastOffset = nextOffset + Int64(batch.lastOffsetDelta)
            if needsNewSegment(for: batch, at: writePosition + (place - writeStart), lastOffset: lastOffset, now: now) {
                try write(bytes, writeStart..<place)
                writeStart = place
                try beginSegment()
            }
            let target = UnsafeMutableRawBufferPointer(rebasing: bytes.mutableBytes[place..<place + batch.bytes.count])
            RecordBatchHeader.place(target, at: Offset(nextOffset), leaderEpoch: 0)
            if settings.stampsAppendTime { RecordBatchHeader.stamp(target, appendedAt: now) }
            try addToIndex(batch, at: writePosition + (place - writeStart), lastOffset: lastOffset)
            nextOffset = lastOffset + 1
            place += batch.bytes.count
        }
        try write(bytes, writeStart..<place)
        return first
    }

    /// The output in the topic's own compression, where it has one.
    private func converted(_ output: ByteBuffer) throws -> ByteBuffer {
        guard let compression = settings.compression else { return output }
        return try RecordBatchConversion.recompressed(output, with: compression)
    }

    private func checkLength(_ batch: RecordBatch) throws {
        guard batch.bytes.count > settings.maxMessageBytes else { return }
        throw MillraceError(
            .configuration,
            "A record batch of \(batch.bytes.count) bytes for \(name) is longer than its max.message.bytes, \(settings.maxMessageBytes). Raise that setting of the topic, or send smaller records."
        )
    }

    private func needsNewSegment(for batch: RecordBatch, at position: Int, lastOffset: Int64, now: Timestamp) -> Bool {
        guard let segment = newSegments.last ?? segments.last else { return true }
        guard position > 0 else { return false }
        if position + batch.bytes.count > settings.segmentBytes || lastOffset - segment.baseOffset > Int64(Int32.max) { return true }
        guard let first = segment.firstTimestamp, first >= 0 else { return false }
        let time = settings.stampsAppendTime ? now.milliseconds : batch.maxTimestamp.milliseconds
        return time > first && time &- first > settings.segmentAge
    }

    private func beginSegment() throws {
        // The time index of a segment that is written to no more must end with its highest timestamp, also when the process is killed next.
        if indexIsOpen { try (newSegments.last ?? segments.last)?.index.finish() }
        indexIsOpen = false
        try removeRests()
        let segment = try Segment(files, directory: directory, baseOffset: nextOffset, committedBytes: 0)
        try segment.file.truncate(to: 0)
        try segment.openIndexForAppending(endOffset: nextOffset, interval: Int(settings.indexIntervalBytes))
        newSegments.append(segment)
        indexIsOpen = true
        writePosition = 0
    }

    /// Removes what commits left that failed. How long a segment is that others follow is nowhere else than in its file, so that the rest must be gone from the disk when the next
    /// segment counts: the file is synced with it, as its directory is.
    private func removeRests() throws {
        for base in leftBases where base != nextOffset {
            for kind in SegmentFiles.all { try fileSystem.remove(directory + "/" + SegmentFiles.name(base, kind)) }
        }
        leftBases = []
        guard mayHaveRest, newSegments.isEmpty, let last = segments.last else { return }
        try last.file.truncate(to: writePosition)
        pendingBytes[ObjectIdentifier(last)] = writePosition
        mayHaveRest = false
    }

    private func write(_ bytes: ByteBuffer, _ range: Range<Int>) throws {
        guard !range.isEmpty, let segment = newSegments.last ?? segments.last else { return }
        try segment.file.write(UnsafeRawBufferPointer(rebasing: bytes.bytes[range]), at: writePosition)
        writePosition += range.count
        pendingBytes[ObjectIdentifier(segment)] = writePosition
    }

    /// How long each segment is that was written to, with what does not count yet.
    private var pendingBytes: [ObjectIdentifier: Int] = [:]

    private func addToIndex(_ batch: RecordBatch, at position: Int, lastOffset: Int64) throws {
        guard let segment = newSegments.last ?? segments.last else { return }
        if !indexIsOpen {
            try segment.openIndexForAppending(endOffset: endOffset, interval: Int(settings.indexIntervalBytes))
            indexIsOpen = true
        }
        let time = batch.maxTimestamp.milliseconds
        if segment.firstTimestamp == nil { segment.firstTimestamp = time }
        segment.index.add(lastOffset: lastOffset, position: position, maxTimestamp: time, interval: Int(settings.indexIntervalBytes))
    }

    /// The segments that were written to since the last `publish` or `discard`.
    var writtenSegments: [Segment] {
        (segments.suffix(1) + newSegments).filter { pendingBytes[ObjectIdentifier($0)] != nil }
    }

    /// Moves the end of an observer's partition, see `follow`. Under both locks.
    func showEnd(_ offset: Int64) {
        endOffset = offset
        nextOffset = offset
    }

    var hasNewSegments: Bool { !newSegments.isEmpty }

    /// Makes what was appended count. Under both locks.
    func publish() {
        for segment in writtenSegments { segment.committedBytes = pendingBytes[ObjectIdentifier(segment)] ?? segment.committedBytes }
        segments += newSegments
        endOffset = nextOffset
        newSegments.removeAll()
        pendingBytes.removeAll()
    }

    /// What follows `publish` and needs no state lock: index entries go to their files. When it throws, they go there another time.
    func settleIndexes() throws {
        if indexIsOpen { try segments.last?.index.flush(always: false) }
    }

    /// Forgets what was appended and is not published. What stays of it on the disk counts for nothing and is written over.
    func discard() {
        guard nextOffset != endOffset || !newSegments.isEmpty || !pendingBytes.isEmpty else { return }
        for segment in newSegments {
            removeFiles(of: segment)
            leftBases.insert(segment.baseOffset)
        }
        mayHaveRest = true
        if let last = segments.last {
            last.index.discard()
            // Best effort: the next append writes over it, a restart cuts it off, and no other segment follows before it is gone.
            try? last.file.truncate(to: last.committedBytes)
        }
        newSegments.removeAll()
        pendingBytes.removeAll()
        nextOffset = endOffset
        writePosition = segments.last?.committedBytes ?? 0
        indexIsOpen = false
    }

    /// Lets all segments go, of which no record is wanted any more. Under both locks.
    func empty() -> [Segment] {
        defer {
            segments.removeAll()
            writePosition = 0
            indexIsOpen = false
        }
        return segments
    }

    /// Completes the index files, when the log is closed.
    func close() throws {
        if indexIsOpen, let last = segments.last { try last.index.finish() }
        indexIsOpen = false
    }

    /// Removes a segment's files; what cannot be removed is in nobody's way, and is tried again when the log is opened.
    func removeFiles(of segment: Segment) {
        guard (try? segment.keepOpen()) != nil else { return }
        for kind in SegmentFiles.all {
            try? fileSystem.remove(directory + "/" + SegmentFiles.name(segment.baseOffset, kind))
        }
    }
}
