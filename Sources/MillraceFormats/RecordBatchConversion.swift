import MillraceCore

/// Writes batches again in another form, record for record as they were.
public enum RecordBatchConversion {
    /// Consecutive batches with their records compressed by `compression`; `batches` itself when all are already.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the bytes are not whole batches or cannot be decompressed.
    public static func recompressed(_ batches: ByteBuffer, with compression: Compression) throws -> ByteBuffer {
        var place = 0
        var isAsWished = true
        while place < batches.count {
            let batch = try RecordBatch(startOf: UnsafeRawBufferPointer(rebasing: batches.bytes[place...]))
            if batch.compression != compression, !batch.isControl { isAsWished = false }
            place += batch.bytes.count
        }
        if isAsWished { return batches }

        let output = ByteBuffer(capacity: batches.count)
        let scratch = ByteBuffer()
        var cursor = RecordBatchCursor(batches.bytes)
        while let batch = try cursor.next() {
            if batch.isControl || batch.compression == compression {
                output.append(batch.bytes)
                continue
            }
            scratch.removeAll()
            try batch.compression.decompress(batch.recordBytes, into: scratch, maximum: RecordBatch.defaultMaximumDecompressedBytes)
            try appendBatch(RecordBatchHeader(batch), records: scratch.bytes, compression, to: output)
        }
        return output
    }

    /// The records of `batch` for which `keep` holds, in a batch with the same offsets and timestamps, appended to `output`.
    ///
    /// Nothing is appended when no record stays, unless `keepEmpty`: then a batch without records holds the place of its offsets.
    ///
    /// - Parameter deleteHorizon: Until when the batch's tombstones are to stay, which the batch then says in place of its base timestamp; the records keep their timestamps.
    /// - Returns: How many records stayed.
    public static func filter(
        _ batch: RecordBatch, scratch: ByteBuffer, keepEmpty: Bool = false, deleteHorizon: Timestamp? = nil, to output: ByteBuffer,
        _ keep: (RawRecord) throws -> Bool
    ) throws -> Int {
        let kept = ByteBuffer(capacity: 4096)
        var count = 0
        var records = try batch.records(decompressingInto: scratch)
        while let record = try records.next() {
            guard try keep(record) else { continue }
            if let deleteHorizon { append(record, relativeTo: deleteHorizon, to: kept) } else { kept.append(record.encoded) }
            count += 1
        }
        if count == batch.recordCount, count > 0, deleteHorizon == nil {
            output.append(batch.bytes)
        } else if count > 0 || keepEmpty {
            var header = RecordBatchHeader(batch)
            header.recordCount = Int32(count)
            if let deleteHorizon {
                header.baseTimestamp = deleteHorizon
                header.attributes |= 64
            }
            try appendBatch(header, records: kept.bytes, batch.compression, to: output)
        }
        return count
    }

    /// A record as it was, but for its timestamp, which counts from another base.
    private static func append(_ record: RawRecord, relativeTo base: Timestamp, to output: ByteBuffer) {
        guard var place = record.encoded.baseAddress else { return }
        let end = place + record.encoded.count
        // The length, one byte of attributes, the old timestamp: the cursor that gave the record has read them before.
        guard Varint.readZigzag(&place, end: end) != nil else { return }
        place += 1
        guard Varint.readZigzag(&place, end: end) != nil else { return }
        let rest = UnsafeRawBufferPointer(start: place, count: end - place)
        let delta = record.timestamp.milliseconds &- base.milliseconds
        let target = output.reserve(2 * Varint.maximumLength + 1)
        var cursor = Varint.write(zigzag: Int64(1 + Varint.length(zigzag: delta) + rest.count), to: target)
        cursor.storeBytes(of: 0, as: UInt8.self)
        cursor = Varint.write(zigzag: delta, to: cursor + 1)
        output.commit(cursor - target)
        output.append(rest)
    }

    private static func appendBatch(
        _ header: RecordBatchHeader, records: UnsafeRawBufferPointer, _ compression: Compression, to output: ByteBuffer
    ) throws {
        let start = output.count
        _ = output.reserve(RecordBatchLayout.records)
        output.commit(RecordBatchLayout.records)
        if records.count > 0 { try compression.compress(records, into: output) }
        var header = header
        header.attributes = (header.attributes & ~7) | Int16(compression.rawValue)
        header.seal(UnsafeMutableRawBufferPointer(rebasing: output.mutableBytes[start...]))
    }
}
