import MillraceCore
import MillraceFormats

/// Finding a place in a segment by its indexes.
///
/// An index only proposes: its file may belong to what a compaction has made of this segment, lack its end after a failure of power, or be damaged. What it says counts when the
/// batch it speaks of is there and says the same. Otherwise the segment is gone through from its start.
extension Segment {
    /// Where a batch starts, and its base offset.
    typealias Place = (position: Int, next: Int64)

    private var start: Place { (0, baseOffset) }

    /// A place from which a scan finds `offset`: the start of a batch that ends before it or with it.
    func place(before offset: Int64, limit: Int) throws -> Place {
        guard let entry = try index.offsetEntry(before: offset) else { return start }
        return try place(of: entry, limit: limit) ?? start
    }

    /// A place from which a scan finds the first record that is not before `time`.
    func place(before time: Timestamp, limit: Int) throws -> Place {
        try index.timeEntry(before: time).flatMap { try place(of: $0, limit: limit) } ?? start
    }

    /// The highest timestamp of a segment that is written to no more; `nil` when it is empty.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when a batch is damaged that had to be read for it.
    func highestTimestamp() throws -> Timestamp? {
        if let known = highest.withLock({ $0 }) { return known }
        let found = try highestTimestampSoFar()
        highest.withLock { $0 = found }
        return found
    }

    /// The highest timestamp of what is committed; `nil` when that is nothing.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when a batch is damaged that had to be read for it.
    func highestTimestampSoFar() throws -> Timestamp? {
        // Batches that are not later than the last entry have none, so that from there on all must be looked at.
        let start = try index.timeEntry().flatMap { try place(of: $0, limit: committedBytes) }?.position ?? 0
        var found: Timestamp?
        var scan = scan(from: start)
        while let (batch, _) = try scan.nextVerified() { found = max(found ?? batch.maxTimestamp, batch.maxTimestamp) }
        return found
    }

    /// From where on the indexes with these last entries do not tell all; `nil` when they are wrong.
    func knownStart(_ offsets: OffsetIndexEntry?, _ times: TimeIndexEntry?) throws -> Int? {
        guard let offsets else { return times == nil ? 0 : nil }
        guard let place = try place(of: offsets, limit: committedBytes), let times,
            let time = try self.place(of: times, limit: committedBytes)
        else { return nil }
        return min(place.position, time.position)
    }

    /// Where the batch starts that an entry of the time index speaks of; `nil` when there is none that is as it says.
    private func place(of entry: TimeIndexEntry, limit: Int) throws -> Place? {
        let offset = baseOffset + Int64(entry.relativeOffset)
        guard offset >= baseOffset else { return nil }
        var scan = BatchScan(file, path: path, from: try place(before: offset, limit: limit).position, to: limit)
        do {
            while let (batch, position) = try scan.next() {
                guard batch.lastOffset.value >= offset else { continue }
                let isRight = batch.lastOffset.value == offset && batch.maxTimestamp == entry.timestamp && batch.hasValidChecksum
                return isRight ? (position, batch.baseOffset.value) : nil
            }
        } catch let error as MillraceError where error.kind == .corruption {}
        return nil
    }

    /// Where the batch starts that an entry of the index speaks of; `nil` when there is none that is as it says.
    private func place(of entry: OffsetIndexEntry, limit: Int) throws -> Place? {
        let position = Int(entry.position)
        guard position > 0, position < limit else { return nil }
        var scan = BatchScan(file, path: path, from: position, to: limit)
        do {
            guard let (batch, _) = try scan.next(), batch.lastOffset.value == baseOffset + Int64(entry.relativeOffset),
                batch.hasValidChecksum
            else { return nil }
            return (position, batch.baseOffset.value)
        } catch let error as MillraceError where error.kind == .corruption {
            return nil
        }
    }
}
