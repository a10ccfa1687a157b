import MillraceCore

/// The fields of a record batch's header as values, for whoever writes one.
public struct RecordBatchHeader {
    public var baseOffset: Offset
    public var leaderEpoch: Int32 = 0
    public var attributes: Int16
    public var lastOffsetDelta: Int32
    public var baseTimestamp: Timestamp
    public var maxTimestamp: Timestamp
    public var producerID: Int64 = -1
    public var producerEpoch: Int16 = -1
    public var baseSequence: Int32 = -1
    public var recordCount: Int32

    /// A header of a producer without a number.
    public init(
        baseOffset: Offset, attributes: Int16, lastOffsetDelta: Int32, baseTimestamp: Timestamp, maxTimestamp: Timestamp, recordCount: Int32
    ) {
        self.baseOffset = baseOffset
        self.attributes = attributes
        self.lastOffsetDelta = lastOffsetDelta
        self.baseTimestamp = baseTimestamp
        self.maxTimestamp = maxTimestamp
        self.recordCount = recordCount
    }

    /// The header of `batch`, to write it again in another form.
    public init(_ batch: RecordBatch) {
        baseOffset = batch.baseOffset
        leaderEpoch = batch.leaderEpoch
        attributes = batch.attributes
        lastOffsetDelta = batch.lastOffsetDelta
        baseTimestamp = batch.baseTimestamp
        maxTimestamp = batch.maxTimestamp
        producerID = batch.producerID
        producerEpoch = batch.producerEpoch
        baseSequence = batch.baseSequence
        recordCount = Int32(batch.recordCount)
    }

    /// Writes the header at the start of `batch`, whose records lie in their place already, and then the checksum.
    ///
    /// - Precondition: `batch` is a whole batch, at least as long as a header.
    public func seal(_ batch: UnsafeMutableRawBufferPointer) {
        precondition(batch.count >= RecordBatchLayout.records, "a batch is at least a header")
        func put(_ number: some FixedWidthInteger, at place: Int) {
            batch.storeBytes(of: number.bigEndian, toByteOffset: place, as: type(of: number).self)
        }
        put(baseOffset.value, at: RecordBatchLayout.baseOffset)
        put(Int32(batch.count - RecordBatchLayout.uncountedPrefix), at: RecordBatchLayout.batchLength)
        put(leaderEpoch, at: RecordBatchLayout.leaderEpoch)
        put(UInt8(2), at: RecordBatchLayout.magic)
        put(attributes, at: RecordBatchLayout.attributes)
        put(lastOffsetDelta, at: RecordBatchLayout.lastOffsetDelta)
        put(baseTimestamp.milliseconds, at: RecordBatchLayout.baseTimestamp)
        put(maxTimestamp.milliseconds, at: RecordBatchLayout.maxTimestamp)
        put(producerID, at: RecordBatchLayout.producerID)
        put(producerEpoch, at: RecordBatchLayout.producerEpoch)
        put(baseSequence, at: RecordBatchLayout.baseSequence)
        put(recordCount, at: RecordBatchLayout.recordCount)
        RecordBatchHeader.sealChecksum(batch)
    }

    /// Sets what may be set without a new checksum: the place of a batch in its log.
    public static func place(_ batch: UnsafeMutableRawBufferPointer, at baseOffset: Offset, leaderEpoch: Int32) {
        precondition(batch.count >= RecordBatchLayout.records, "a batch is at least a header")
        batch.storeBytes(of: baseOffset.value.bigEndian, toByteOffset: RecordBatchLayout.baseOffset, as: Int64.self)
        batch.storeBytes(of: leaderEpoch.bigEndian, toByteOffset: RecordBatchLayout.leaderEpoch, as: Int32.self)
    }

    /// Turns the timestamps of a batch into `time`, the time at which it was appended, and renews its checksum. Kafka: `LogAppendTime`.
    public static func stamp(_ batch: UnsafeMutableRawBufferPointer, appendedAt time: Timestamp) {
        precondition(batch.count >= RecordBatchLayout.records, "a batch is at least a header")
        let attributes: Int16 = UnsafeRawBufferPointer(batch).loadBigEndian(at: RecordBatchLayout.attributes)
        batch.storeBytes(of: (attributes | 8).bigEndian, toByteOffset: RecordBatchLayout.attributes, as: Int16.self)
        batch.storeBytes(of: time.milliseconds.bigEndian, toByteOffset: RecordBatchLayout.maxTimestamp, as: Int64.self)
        sealChecksum(batch)
    }

    private static func sealChecksum(_ batch: UnsafeMutableRawBufferPointer) {
        let checksum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: batch[RecordBatchLayout.attributes...]))
        batch.storeBytes(of: checksum.bigEndian, toByteOffset: RecordBatchLayout.crc, as: UInt32.self)
    }
}
