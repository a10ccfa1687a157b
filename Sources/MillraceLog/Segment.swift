import MillraceCore
import MillraceFormats

/// A stretch of a partition: a `.log` file that is appended to while it is the last, and its indexes.
final class Segment: @unchecked Sendable {
    let baseOffset: Int64
    let path: String
    let file: any File
    let index: SegmentIndex
    /// How many bytes hold committed records. Written under the log's state lock by whoever holds the writer lock, so that either lock is enough to read it.
    var committedBytes: Int
    /// The highest timestamp of its first batch, from which `segment.ms` counts. Belongs to the writer lock.
    var firstTimestamp: Int64?

    /// Opens a segment's log file, which is created when missing.
    init(_ fileSystem: any FileSystem, directory: String, baseOffset: Int64, committedBytes: Int) throws {
        self.baseOffset = baseOffset
        self.committedBytes = committedBytes
        path = directory + "/" + SegmentFiles.name(baseOffset, SegmentFiles.log)
        file = try fileSystem.open(path, writable: true)
        index = SegmentIndex(fileSystem, directory: directory, baseOffset: baseOffset)
    }

    /// The batches from `position` to the end of what is committed.
    func scan(from position: Int) -> BatchScan {
        BatchScan(file, path: path, from: position, to: committedBytes)
    }

    /// Makes the indexes ready to grow, adding what they lack of the records that are there.
    func openIndexForAppending(endOffset: Int64, interval: Int) throws {
        let start = try index.openForAppending(endOffset: endOffset, endPosition: committedBytes)
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
