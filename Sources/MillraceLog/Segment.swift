import MillraceCore
import MillraceFormats
import Synchronization

/// A stretch of a partition: a `.log` file that is appended to while it is the last, and its indexes.
final class Segment: @unchecked Sendable {
    let baseOffset: Int64
    let path: String
    /// Where the records are. It may be closed when it is not used, see `OpenFiles`.
    let file: any File
    let index: SegmentIndex
    /// How many bytes hold committed records. Written under the log's state lock by whoever holds the writer lock, so that either lock is enough to read it.
    var committedBytes: Int
    /// What `highestTimestamp` found.
    let highest = Mutex<Timestamp?>(nil)
    /// The highest timestamp of its first batch, from which `segment.ms` counts. Belongs to the writer lock.
    var firstTimestamp: Int64?

    /// Opens a segment's log file, which is created when missing.
    init(_ files: OpenFiles, directory: String, baseOffset: Int64, committedBytes: Int) throws {
        self.baseOffset = baseOffset
        self.committedBytes = committedBytes
        path = directory + "/" + SegmentFiles.name(baseOffset, SegmentFiles.log)
        file = try files.file(path)
        index = SegmentIndex(files, directory: directory, baseOffset: baseOffset)
    }

    /// Must be called before the file is removed or replaced, so that whoever reads it can go on.
    ///
    /// - Throws: `MillraceError` of kind `transport` when it cannot be opened now.
    func keepOpen() throws {
        try (file as? SegmentFileHandle)?.keepOpen()
    }

    /// Must be called before the files are removed together with the topic.
    func noteDeletion() {
        (file as? SegmentFileHandle)?.noteDeletion()
    }

    /// Opens a segment that another process writes to, to read it.
    ///
    /// Its file stays open, as the other process may give its name to another one.
    init(observing files: OpenFiles, directory: String, baseOffset: Int64) throws {
        self.baseOffset = baseOffset
        committedBytes = 0
        path = directory + "/" + SegmentFiles.name(baseOffset, SegmentFiles.log)
        file = try files.fileSystem.open(path, writable: false)
        index = SegmentIndex(files, directory: directory, baseOffset: baseOffset)
    }

    /// The batches from `position` to the end of what is committed.
    func scan(from position: Int) -> BatchScan {
        BatchScan(file, path: path, from: position, to: committedBytes)
    }

    /// Makes the indexes ready to grow, adding what they lack of the records that are there, and all if what they say is wrong.
    func openIndexForAppending(endOffset: Int64, interval: Int) throws {
        let last = try index.openForAppending(endOffset: endOffset, endPosition: committedBytes)
        var start = 0
        if let known = try knownStart(last.offsets, last.times) { start = known } else { try index.startOver() }
        if firstTimestamp == nil {
            var first = scan(from: 0)
            firstTimestamp = try first.next()?.batch.maxTimestamp.milliseconds
        }
        var rest = scan(from: start)
        while let (batch, position) = try rest.next() {
            index.add(
                lastOffset: batch.lastOffset.value, position: position, maxTimestamp: batch.maxTimestamp.milliseconds, interval: interval)
        }
    }
}
