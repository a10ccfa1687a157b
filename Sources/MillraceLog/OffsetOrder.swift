import MillraceFormats

/// Checks that the batches of a segment follow each other as they were written.
///
/// Kafka's checksum leaves out a batch's base offset, so that only this shows when it is damaged. Where a compaction, or a take-over from a broker, may have removed batches, offsets
/// must still grow, and stay below the end.
struct OffsetOrder {
    /// The offset that comes next.
    private(set) var next: Int64
    /// No batch goes on to this one.
    let end: Int64
    let mayHaveGaps: Bool

    /// What is wrong with the batch that comes next; `nil` when nothing is.
    mutating func flaw(of batch: RecordBatch) -> String? {
        let base = batch.baseOffset.value
        guard base == next || mayHaveGaps && base > next else {
            return "A record batch starts at offset \(base), where offset \(next) comes next."
        }
        guard batch.nextOffset.value <= end else {
            return "A record batch goes up to offset \(batch.lastOffset), and all end before \(end)."
        }
        next = batch.nextOffset.value
        return nil
    }
}
