import MillraceCore

/// How a transaction ended: the one record of a control batch. Kafka: `EndTransactionMarker`.
public struct TransactionMarker: Hashable, Sendable {
    /// The end of a transaction.
    public enum Kind: String, Hashable, Sendable {
        /// What it wrote counts.
        case commit
        /// What it wrote counts for nothing.
        case abort
    }

    /// The end that it tells.
    public var kind: Kind
    /// The epoch of the coordinator that decided it.
    public var coordinatorEpoch: Int32
}

extension RecordBatch {
    /// What a control batch says of its producer's transaction; `nil` for batches of records, and for control batches that do not end a transaction (Kafka has such in its own
    /// metadata log) or have none of their records left.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the batch is broken.
    public func marker(scratch: ByteBuffer) throws -> TransactionMarker? {
        guard isControl else { return nil }
        var records = try records(decompressingInto: scratch)
        // The key: a version, then the kind. The value: a version, then the coordinator's epoch.
        guard let record = try records.next(), let key = record.key, key.count >= 4 else { return nil }
        let kind: TransactionMarker.Kind
        switch key.loadBigEndian(at: 2, as: Int16.self) {
        case 0: kind = .abort
        case 1: kind = .commit
        default: return nil
        }
        let epoch = record.value.flatMap { $0.count >= 6 ? $0.loadBigEndian(at: 2, as: Int32.self) : nil }
        return TransactionMarker(kind: kind, coordinatorEpoch: epoch ?? -1)
    }
}
