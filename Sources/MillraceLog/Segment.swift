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

    /// Opens a segment that another process writes to, to read it.
    init(observing fileSystem: any FileSystem, directory: String, baseOffset: Int64) throws {
        self.baseOffset = baseOffset
        committedBytes = 0
        path = directory + "/" + SegmentFiles.name(baseOffset, SegmentFiles.log)
        file = try fileSystem.open(path, writable: false)
        index = SegmentIndex(fileSystem, directory: directory, baseOffset: baseOffset)
    }

    /// The start of a batch that lies before `offset` or holds it.
    ///
    /// The index only proposes: its file may belong to what a compaction has made of this one, or be damaged. Without a batch where it says, the segment is gone through from
    /// its start.
    func position(before offset: Int64, limit: Int) throws -> Int {
        let proposed = try index.position(before: offset)
        guard proposed > 0, proposed < limit else { return 0 }
        var scan = BatchScan(file, path: path, from: proposed, to: limit)
        do {
            guard let (batch, _) = try scan.next(), batch.baseOffset.value <= offset, batch.hasValidChecksum else { return 0 }
            return proposed
        } catch let error as MillraceError where error.kind == .corruption {
            return 0
        }
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
