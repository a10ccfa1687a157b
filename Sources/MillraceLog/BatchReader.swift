import MillraceCore
import MillraceFormats

/// Where a consumer is in a partition: the next offset, and, while it reads on, the place in the file.
struct ReadPosition {
    var offset: Int64
    /// The segment that holds the offset, where in it to read on, and the offset that comes next there; `nil` after a jump.
    var place: (segment: Segment, position: Int, next: Int64)?
}

/// Reads whole batches of a partition in large pieces, and checks each once.
enum BatchReader {
    /// What can be read of a partition, as it was under the state lock.
    struct View {
        var segments: ArraySlice<Segment>
        /// How much of the last segment is committed; the others do not change.
        var lastCommittedBytes: Int
        var endOffset: Int64
        var mayHaveGaps: Bool

        /// What must be the order in a segment from where `next` comes next.
        func order(in index: Int, from next: Int64) -> OffsetOrder {
            // Where a compaction was interrupted segments overlap.
            let isLast = mayHaveGaps || index == segments.endIndex - 1
            return OffsetOrder(next: next, end: isLast ? endOffset : segments[index + 1].baseOffset, mayHaveGaps: mayHaveGaps)
        }
    }

    /// The next batches from `position`, at least one if there is any before the view's end, and moves `position` past them.
    ///
    /// - Returns: The block and the bytes in it, or `nil` when no record is left (compaction may have removed all that were).
    static func read(_ view: View, _ position: inout ReadPosition, maxBytes: Int, pool: inout ReadBlockPool) throws -> (
        ReadBlock, UnsafeRawBufferPointer
    )? {
        while let (index, filePosition, next) = try locate(view, position) {
            let segment = view.segments[index]
            let isLast = index == view.segments.endIndex - 1
            let limit = isLast ? view.lastCommittedBytes : segment.committedBytes
            guard filePosition < limit else {
                if isLast { break }
                position.place = (view.segments[index + 1], 0, view.segments[index + 1].baseOffset)
                continue
            }
            let (block, bytes) = try readPiece(segment, at: filePosition, limit: limit, maxBytes: maxBytes, pool: &pool)
            var order = view.order(in: index, from: next)
            let (wanted, checked) = try check(bytes, segment: segment, at: filePosition, from: &position.offset, &order)
            position.place = (segment, filePosition + checked, order.next)
            if wanted.count > 0 { return (block, wanted) }
        }
        position.offset = max(position.offset, view.endOffset)
        return nil
    }

    private static func locate(_ view: View, _ position: ReadPosition) throws -> (index: Int, position: Int, next: Int64)? {
        if let place = position.place {
            // Almost always the last one.
            if let index = view.segments.lastIndex(where: { $0 === place.segment }) { return (index, place.position, place.next) }
        }
        guard let index = view.segments.lastIndex(where: { $0.baseOffset <= position.offset }) ?? view.segments.indices.first else {
            return nil
        }
        let limit = index == view.segments.endIndex - 1 ? view.lastCommittedBytes : view.segments[index].committedBytes
        let place = try view.segments[index].place(before: position.offset, limit: limit)
        return (index, place.position, place.next)
    }

    /// Whole batches from a place: as many as fit, or one that does not.
    private static func readPiece(
        _ segment: Segment, at position: Int, limit: Int, maxBytes: Int, pool: inout ReadBlockPool
    ) throws -> (ReadBlock, UnsafeRawBufferPointer) {
        var wanted = min(max(maxBytes, RecordBatchLayout.records), limit - position)
        while true {
            let block = pool.take(wanted)
            let count = try segment.file.read(into: UnsafeMutableRawBufferPointer(rebasing: block.memory[0..<wanted]), at: position)
            guard count == wanted else {
                throw BatchScan.corrupt(
                    segment.path, position + count, "The file is shorter than what was committed, which goes to byte \(limit).")
            }
            let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block.memory)[0..<count])
            var length = 0
            do {
                while let next = try RecordBatch.length(startOf: UnsafeRawBufferPointer(rebasing: bytes[length...])) {
                    if next <= count - length {
                        length += next
                    } else if length > 0 {
                        break
                    } else if next <= limit - position {
                        try LongBatch.check(segment.file, path: segment.path, at: position, length: next)
                        wanted = next
                        break
                    } else {
                        throw BatchScan.corrupt(
                            segment.path, position, "A record batch is cut off by the end of what was committed, at byte \(limit).")
                    }
                }
            } catch let error as MillraceError where length > 0 && error.kind == .corruption {
                // The good batches before the damage are served first; the next read starts at it and throws.
            }
            if length > 0 { return (block, UnsafeRawBufferPointer(rebasing: bytes[0..<length])) }
            if wanted == count {
                throw BatchScan.corrupt(
                    segment.path, position, "A record batch is cut off by the end of what was committed, at byte \(limit).")
            }
        }
    }

    /// Checks the batches, moves `offset` past them, and returns them without those that lie before it, and how many bytes were gone through.
    ///
    /// When one is damaged those before it are still served; the next call starts with the damaged one, and throws.
    private static func check(
        _ bytes: UnsafeRawBufferPointer, segment: Segment, at position: Int, from offset: inout Int64, _ order: inout OffsetOrder
    ) throws -> (wanted: UnsafeRawBufferPointer, checked: Int) {
        var start = 0
        var place = 0
        while place < bytes.count {
            do {
                let batch = try RecordBatch(startOf: UnsafeRawBufferPointer(rebasing: bytes[place...]))
                if let flaw = order.flaw(of: batch) { throw MillraceError(.corruption, flaw) }
                if batch.lastOffset.value < offset {
                    start = place + batch.bytes.count
                } else {
                    try batch.verifyChecksum()
                    offset = batch.nextOffset.value
                }
                place += batch.bytes.count
            } catch let error as MillraceError where error.kind == .corruption {
                guard place > start else { throw BatchScan.corrupt(segment.path, position + place, error.message) }
                break
            }
        }
        return (UnsafeRawBufferPointer(rebasing: bytes[start..<place]), place)
    }
}
