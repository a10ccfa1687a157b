import MillraceCore
import MillraceFormats

/// The `.index` and `.timeindex` of a segment: sparse, and only ever a shortcut, so that what is missing at their end costs a little scanning and nothing else.
///
/// They have no checksums. What they say is a proposal, which `Segment` holds against the batch it speaks of before anything rests on it.
///
/// Appending happens under the log's writer lock; looking up happens from any thread, on what is in the files.
final class SegmentIndex: @unchecked Sendable {
    private let files: OpenFiles
    private var fileSystem: any FileSystem { files.fileSystem }
    private let offsetPath: String
    private let timePath: String
    let baseOffset: Int64

    private var offsetFile: (any File)?
    private var timeFile: (any File)?
    private let pendingOffsets = ByteBuffer(capacity: 64)
    private let pendingTimes = ByteBuffer(capacity: 64)
    private var offsetFileSize = 0
    private var timeFileSize = 0
    private var lastIndexedPosition = 0
    private var lastIndexedTimestamp = Int64.min
    /// The highest timestamp of the segment and the last offset of the batch that has it.
    private(set) var maxTimestamp = Int64.min
    private var offsetOfMaxTimestamp: Int64 = 0

    /// Entries wait in memory until they make this many bytes.
    private static let flushAt = 4096

    init(_ files: OpenFiles, directory: String, baseOffset: Int64, suffix: String = "") {
        self.files = files
        self.baseOffset = baseOffset
        offsetPath = directory + "/" + SegmentFiles.name(baseOffset, SegmentFiles.offsetIndex) + suffix
        timePath = directory + "/" + SegmentFiles.name(baseOffset, SegmentFiles.timeIndex) + suffix
    }

    // MARK: Appending

    /// Opens the files for appending, cuts off entries for what is not there any more, and returns the last entries.
    @discardableResult
    func openForAppending(endOffset: Int64, endPosition: Int) throws -> (offsets: OffsetIndexEntry?, times: TimeIndexEntry?) {
        let offsets = try files.file(offsetPath)
        let times = try files.file(timePath)
        offsetFile = offsets
        timeFile = times
        let validOffsets = try count(offsets, OffsetIndexEntry.length) { bytes in
            let entry = OffsetIndexEntry(bytes)
            return Int64(entry.relativeOffset) + self.baseOffset < endOffset && Int(entry.position) < endPosition
        }
        let validTimes = try count(times, TimeIndexEntry.length) { Int64(TimeIndexEntry($0).relativeOffset) + self.baseOffset < endOffset }
        offsetFileSize = validOffsets * OffsetIndexEntry.length
        timeFileSize = validTimes * TimeIndexEntry.length
        try offsets.truncate(to: offsetFileSize)
        try times.truncate(to: timeFileSize)
        let lastTime = try entry(times, validTimes - 1, TimeIndexEntry.length, TimeIndexEntry.init)
        if let lastTime {
            lastIndexedTimestamp = lastTime.timestamp.milliseconds
            maxTimestamp = lastTime.timestamp.milliseconds
            offsetOfMaxTimestamp = Int64(lastTime.relativeOffset) + baseOffset
        }
        let lastOffset = try entry(offsets, validOffsets - 1, OffsetIndexEntry.length, OffsetIndexEntry.init)
        lastIndexedPosition = lastOffset.map { Int($0.position) } ?? 0
        return (lastOffset, lastTime)
    }

    /// Empties the files, which are open for appending, as what they say is wrong.
    func startOver() throws {
        try offsetFile?.truncate(to: 0)
        try timeFile?.truncate(to: 0)
        offsetFileSize = 0
        timeFileSize = 0
        maxTimestamp = .min
        lastIndexedTimestamp = .min
        lastIndexedPosition = 0
    }

    /// Counts a batch of the segment in. Its entries reach the files later.
    func add(lastOffset: Int64, position: Int, maxTimestamp time: Int64, interval: Int) {
        if time > maxTimestamp {
            maxTimestamp = time
            offsetOfMaxTimestamp = lastOffset
        }
        guard position - lastIndexedPosition > interval else { return }
        lastIndexedPosition = position
        OffsetIndexEntry(relativeOffset: Int32(lastOffset - baseOffset), position: Int32(position)).write(to: pendingOffsets)
        addTimeEntry()
    }

    private func addTimeEntry() {
        guard maxTimestamp > lastIndexedTimestamp, maxTimestamp >= 0 else { return }
        lastIndexedTimestamp = maxTimestamp
        TimeIndexEntry(timestamp: Timestamp(milliseconds: maxTimestamp), relativeOffset: Int32(offsetOfMaxTimestamp - baseOffset)).write(
            to: pendingTimes)
    }

    /// Writes the waiting entries if there are enough of them, or in any case.
    func flush(always: Bool) throws {
        guard always || pendingOffsets.count >= SegmentIndex.flushAt else { return }
        if pendingOffsets.count > 0, let offsetFile {
            try offsetFile.write(pendingOffsets.bytes, at: offsetFileSize)
            offsetFileSize += pendingOffsets.count
            pendingOffsets.removeAll()
        }
        if pendingTimes.count > 0, let timeFile {
            try timeFile.write(pendingTimes.bytes, at: timeFileSize)
            timeFileSize += pendingTimes.count
            pendingTimes.removeAll()
        }
    }

    /// Completes the files of a segment that is appended to no more: the time index then ends with the highest timestamp.
    func finish() throws {
        addTimeEntry()
        try flush(always: true)
        offsetFile = nil
        timeFile = nil
    }

    /// Forgets files that are open and entries that wait, after appends that did not count.
    func discard() {
        offsetFile = nil
        timeFile = nil
        pendingOffsets.removeAll()
        pendingTimes.removeAll()
        maxTimestamp = .min
        lastIndexedTimestamp = .min
        lastIndexedPosition = 0
    }

    // MARK: Looking up

    /// The last entry of a batch that does not end behind `offset`; `nil` when there is none.
    func offsetEntry(before offset: Int64) throws -> OffsetIndexEntry? {
        guard let file = try openToLookUp(offsetPath) else { return nil }
        let below = try count(file, OffsetIndexEntry.length) { Int64(OffsetIndexEntry($0).relativeOffset) + self.baseOffset <= offset }
        return try entry(file, below - 1, OffsetIndexEntry.length, OffsetIndexEntry.init)
    }

    /// The last entry whose timestamp is before `time`, or the last of all; `nil` when there is none.
    func timeEntry(before time: Timestamp? = nil) throws -> TimeIndexEntry? {
        guard let file = try openToLookUp(timePath) else { return nil }
        let below = try count(file, TimeIndexEntry.length) { entry in time.map { TimeIndexEntry(entry).timestamp < $0 } ?? true }
        return try entry(file, below - 1, TimeIndexEntry.length, TimeIndexEntry.init)
    }

    /// `nil` when there is none, also when it is removed just now: then its segment was, and whoever still reads that does without.
    private func openToLookUp(_ path: String) throws -> (any File)? {
        guard fileSystem.exists(path) else { return nil }
        do {
            return try fileSystem.open(path, writable: false)
        } catch {
            guard fileSystem.exists(path) else { return nil }
            throw error
        }
    }

    /// How many of the entries, which are sorted, come before the first for which `isBefore` is false.
    private func count(_ file: any File, _ length: Int, _ isBefore: (UnsafeRawBufferPointer) -> Bool) throws -> Int {
        var low = 0
        var high = try file.size() / length
        while low < high {
            let middle = (low + high) / 2
            guard let before = try entry(file, middle, length, isBefore) else {
                high = middle
                continue
            }
            if before { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func entry<Entry>(_ file: any File, _ index: Int, _ length: Int, _ decode: (UnsafeRawBufferPointer) -> Entry) throws -> Entry? {
        guard index >= 0 else { return nil }
        return try withUnsafeTemporaryAllocation(byteCount: length, alignment: 8) { buffer in
            let count = try file.read(into: buffer, at: index * length)
            return count == length ? decode(UnsafeRawBufferPointer(buffer)) : nil
        }
    }
}
