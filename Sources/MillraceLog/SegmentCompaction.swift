import MillraceCore
import MillraceFormats

/// Writes segments again without the records that a later one of the same key replaces, into files that do not count yet.
///
/// Offsets stay. Of a key the last record stays, and a tombstone (a null value) stays for `delete.retention.ms` after the first compaction that saw it, so that each
/// reader has that long to learn of the deletion. Batches of transactions stay as they are: what became of them only their markers tell. Kafka: `Cleaner`.
struct SegmentCompaction {
    /// What a compaction writes before it takes the place of what it replaces.
    static let unfinishedSuffix = ".cleaned"
    private static let writeBytes = 256 * 1024

    let fileSystem: any FileSystem
    let directory: String
    let settings: TopicSettings
    let now: Timestamp
    /// Called with the bytes that were read; throws to give up.
    let pace: (Int) throws -> Void

    /// The last offsets of the keys from `start` on, of as many segments and batches as memory allows, and the offset up to which that is.
    func keyOffsets(_ segments: [Segment], from start: Int64, memory: Int) throws -> (keys: KeyOffsets, end: Int64) {
        var keys = KeyOffsets(memory: memory)
        var end = start
        let scratch = ByteBuffer()
        for segment in segments {
            let place = try segment.place(before: start, limit: segment.committedBytes)
            var scan = segment.scan(from: place.position)
            var order = OffsetOrder(next: place.next, end: .max, mayHaveGaps: true)
            while let (batch, position) = try scan.next() {
                try pace(batch.bytes.count)
                if let flaw = order.flaw(of: batch) { throw BatchScan.corrupt(segment.path, position, flaw) }
                guard batch.baseOffset.value >= end else { continue }
                if !batch.isControl, !batch.isTransactional {
                    try batch.verifyChecksum()
                    var records = try batch.records(decompressingInto: scratch)
                    while let record = try records.next() {
                        // A batch counts as a whole or not at all, except that one which does not fit alone must not stop everything.
                        if keys.isFull { return (keys, end > start ? end : record.offset.value) }
                        if let key = record.key { keys.note(key, at: record.offset.value) }
                    }
                }
                end = batch.nextOffset.value
            }
        }
        return (keys, end)
    }

    /// Writes what stays of consecutive segments into one, and returns how long it is.
    func write(_ segments: ArraySlice<Segment>, without keys: KeyOffsets) throws -> Int {
        guard let base = segments.first?.baseOffset else { return 0 }
        let suffix = SegmentCompaction.unfinishedSuffix
        let path = directory + "/" + SegmentFiles.name(base, SegmentFiles.log) + suffix
        let file = try fileSystem.open(path, writable: true)
        try file.truncate(to: 0)
        for kind in [SegmentFiles.offsetIndex, SegmentFiles.timeIndex] {
            try fileSystem.remove(directory + "/" + SegmentFiles.name(base, kind) + suffix)
        }
        let index = SegmentIndex(OpenFiles(fileSystem, limit: 2), directory: directory, baseOffset: base, suffix: suffix)
        _ = try index.openForAppending(endOffset: base, endPosition: 0)
        let output = ByteBuffer(capacity: SegmentCompaction.writeBytes)
        let scratch = ByteBuffer()
        var position = 0
        var next = base
        for segment in segments {
            var scan = segment.scan(from: 0)
            var order = OffsetOrder(next: segment.baseOffset, end: .max, mayHaveGaps: true)
            while let (batch, place) = try scan.next() {
                try pace(batch.bytes.count)
                if let flaw = order.flaw(of: batch) { throw BatchScan.corrupt(segment.path, place, flaw) }
                // Segments overlap when the machine stopped after an earlier compaction had joined them and before the old ones were removed.
                guard batch.baseOffset.value >= next else { continue }
                next = batch.nextOffset.value
                let start = output.count
                try append(batch, keys, scratch, to: output)
                guard output.count > start else { continue }
                let kept = try RecordBatch(startOf: UnsafeRawBufferPointer(rebasing: output.bytes[start...]))
                index.add(
                    lastOffset: kept.lastOffset.value, position: position + start, maxTimestamp: kept.maxTimestamp.milliseconds,
                    interval: Int(settings.indexIntervalBytes))
                if output.count >= SegmentCompaction.writeBytes { position = try flush(output, to: file, at: position) }
            }
        }
        position = try flush(output, to: file, at: position)
        try index.finish()
        try file.sync()
        return position
    }

    private func append(_ batch: RecordBatch, _ keys: KeyOffsets, _ scratch: ByteBuffer, to output: ByteBuffer) throws {
        if batch.isControl || batch.isTransactional {
            output.append(batch.bytes)
            return
        }
        try batch.verifyChecksum()
        let dropsTombstones = batch.deleteHorizon.map { $0 <= now } ?? false
        var keepsTombstone = false
        let start = output.count
        let keep = { (record: RawRecord) -> Bool in
            guard let key = record.key else { return false }
            if let last = keys.offset(of: key), last > record.offset.value { return false }
            if record.value == nil {
                if dropsTombstones { return false }
                keepsTombstone = true
            }
            return true
        }
        _ = try RecordBatchConversion.filter(batch, scratch: scratch, to: output, keep)
        guard keepsTombstone, batch.deleteHorizon == nil else { return }
        // From now on the batch says until when its tombstones stay.
        output.truncate(to: start)
        let horizon = now.advanced(byMilliseconds: settings.deleteRetentionMilliseconds)
        _ = try RecordBatchConversion.filter(batch, scratch: scratch, deleteHorizon: horizon, to: output, keep)
    }

    private func flush(_ output: ByteBuffer, to file: any File, at position: Int) throws -> Int {
        try file.write(output.bytes, at: position)
        defer { output.removeAll() }
        return position + output.count
    }
}
