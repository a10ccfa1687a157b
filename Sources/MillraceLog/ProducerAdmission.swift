import MillraceCore
import MillraceFormats

/// Whether the batches that a producer wants appended come in order, come again, or must be refused.
enum ProducerAdmission {
    /// What is to be done with a stretch of batches.
    struct Verdict: Equatable {
        var producer: ProducerIdentity
        /// The offset at which the first batch lies already; `nil` when it is new.
        var repeated: Offset?
        /// Where in the bytes the new batches begin; their end when all are there already.
        var newFrom: Int
        /// What to remember when the new ones have been appended, but for their offset; `nil` when there are none.
        var mark: ProducerMark?

        /// The bytes without the batches that are there already.
        func newBatches(of bytes: ByteBuffer) -> ByteBuffer {
            guard newFrom > 0 else { return bytes }
            let rest = ByteBuffer(capacity: bytes.count - newFrom)
            rest.append(UnsafeRawBufferPointer(rebasing: bytes.bytes[newFrom...]))
            return rest
        }
    }

    /// Judges whole batches for one partition; `nil` when they carry no producer.
    ///
    /// - Parameter entry: What is known of a producer in that partition.
    /// - Throws: `MillraceError` of kind `fenced` when the producer was replaced, of kind `transport` when records are missing before these, of kind `configuration` when
    ///   the batches are not those of one producer.
    static func judge(
        _ bytes: UnsafeRawBufferPointer, for partition: TopicPartition, _ key: PartitionKey, now: Timestamp,
        entry: (Int64) -> ProducerStates.Entry?
    ) throws -> Verdict? {
        guard bytes.count >= RecordBatchLayout.records else { return nil }
        guard let first = try RecordBatch(startOf: bytes).producer else { return nil }
        let known = entry(first.id)
        var verdict = Verdict(producer: first, repeated: nil, newFrom: bytes.count, mark: nil)
        var cursor = RecordBatchCursor(bytes)
        var place = 0
        while let batch = try cursor.next() {
            guard let producer = batch.producer, producer == first, batch.baseSequence >= 0 || batch.isControl else {
                throw MillraceError(
                    .configuration,
                    "Batches of several producers, or without numbers, were to be appended to \(partition) in one piece. Commit those of each producer as an output of their own."
                )
            }
            defer { place += batch.bytes.count }
            if batch.isControl { return nil }
            if var mark = verdict.mark {
                try check(batch, follows: mark.lastSequence, partition)
                mark.lastSequence = batch.lastSequence
                mark.count += Int64(batch.lastOffsetDelta) + 1
                verdict.mark = mark
                continue
            }
            if let known {
                guard producer.epoch >= known.epoch else { throw fenced(producer, by: known.epoch, partition) }
                if producer.epoch == known.epoch, let offset = offset(of: batch, in: known) {
                    if place == 0 { verdict.repeated = offset }
                    continue
                }
                // A producer that is taken over begins anew.
                let last = producer.epoch == known.epoch ? known.appended.last?.lastSequence : Int32.max
                if let last { try check(batch, follows: last, partition) }
            }
            verdict.newFrom = place
            verdict.mark = ProducerMark(
                partition: key, producer: producer, lastSequence: batch.lastSequence, count: Int64(batch.lastOffsetDelta) + 1,
                lastOffset: -1,
                time: now)
        }
        if let count = verdict.mark?.count, count > Int64(Int32.max) {
            throw MillraceError(
                .configuration, "\(count) records for \(partition) are more than a producer can number in one commit. Commit earlier.")
        }
        return verdict
    }

    /// Where a batch lies that comes again; `nil` when it is not known.
    private static func offset(of batch: RecordBatch, in entry: ProducerStates.Entry) -> Offset? {
        let count = Int64(batch.lastOffsetDelta) + 1
        for appended in entry.appended.reversed() {
            let behind = ProducerSequence.distance(from: batch.lastSequence, to: appended.lastSequence)
            if behind + count <= appended.count { return Offset(appended.lastOffset - behind - count + 1) }
        }
        return nil
    }

    private static func check(_ batch: RecordBatch, follows last: Int32, _ partition: TopicPartition) throws {
        let expected = ProducerSequence.advance(last, by: 1)
        guard batch.baseSequence != expected else { return }
        throw MillraceError(
            .transport,
            "Producer \(batch.producerID) sent record \(batch.baseSequence) to \(partition) where record \(expected) was expected: records between them are missing, or were sent again too late to be recognised. Find out which were stored, and go on with a new producer."
        )
    }

    static func fenced(_ producer: ProducerIdentity, by epoch: Int16, _ partition: TopicPartition?) -> MillraceError {
        let place = partition.map { " to \($0)" } ?? ""
        return MillraceError(
            .fenced,
            "Producer \(producer.id) of epoch \(producer.epoch) can append no more\(place): somebody took it over, with epoch \(epoch)."
        )
    }
}
