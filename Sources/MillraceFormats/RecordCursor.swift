import MillraceCore

/// Goes through the records of one batch without allocating: the hot loop of everything that reads.
public struct RecordCursor {
    @usableFromInline var place: UnsafeRawPointer
    @usableFromInline let end: UnsafeRawPointer
    @usableFromInline var remaining: Int
    @usableFromInline let baseOffset: Int64
    @usableFromInline let lastOffsetDelta: Int64
    @usableFromInline let baseTimestamp: Int64
    /// The one timestamp of all records under LogAppendTime.
    @usableFromInline let appendTimestamp: Int64?

    /// Starts before the first record; `bytes` are the batch's records, decompressed.
    @usableFromInline
    init(_ batch: RecordBatch, records bytes: UnsafeRawBufferPointer) {
        // An empty batch has no address, and no record that would be read from this one.
        place = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        end = place + bytes.count
        remaining = batch.recordCount
        baseOffset = batch.baseOffset.value
        lastOffsetDelta = Int64(batch.lastOffsetDelta)
        baseTimestamp = batch.baseTimestamp.milliseconds
        appendTimestamp = batch.isLogAppendTime ? batch.maxTimestamp.milliseconds : nil
    }

    /// The next record, `nil` after the last.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the bytes are not records, or not as many as the batch's header says.
    @inlinable
    public mutating func next() throws -> RawRecord? {
        if remaining == 0 {
            guard place == end else { throw corrupt("go on after the last record") }
            return nil
        }
        remaining -= 1
        let start = place
        guard let length = Varint.readZigzag(&place, end: end), length > 0, length <= end - place else {
            throw corrupt("end before the last record")
        }
        let recordEnd = place + Int(length)
        // One byte of attributes, which Kafka does not use.
        place += 1
        guard let timestampDelta = Varint.readZigzag(&place, end: recordEnd),
            let offsetDelta = Varint.readZigzag(&place, end: recordEnd), offsetDelta >= 0, offsetDelta <= lastOffsetDelta,
            let keyLength = Varint.readZigzag(&place, end: recordEnd), keyLength >= -1, keyLength <= recordEnd - place
        else { throw corrupt("hold a broken record") }
        var key: UnsafeRawBufferPointer?
        if keyLength >= 0 {
            key = UnsafeRawBufferPointer(start: place, count: Int(keyLength))
            place += Int(keyLength)
        }
        guard let valueLength = Varint.readZigzag(&place, end: recordEnd), valueLength >= -1, valueLength <= recordEnd - place else {
            throw corrupt("hold a broken record")
        }
        var value: UnsafeRawBufferPointer?
        if valueLength >= 0 {
            value = UnsafeRawBufferPointer(start: place, count: Int(valueLength))
            place += Int(valueLength)
        }
        // A header takes at least two bytes.
        guard let headerCount = Varint.readZigzag(&place, end: recordEnd), headerCount >= 0,
            headerCount == 0 ? place == recordEnd : headerCount <= (recordEnd - place) / 2
        else { throw corrupt("hold a broken record") }
        let headers = RawHeaders(count: Int(headerCount), bytes: UnsafeRawBufferPointer(start: place, count: recordEnd - place))
        place = recordEnd
        return RawRecord(
            offset: Offset(baseOffset &+ offsetDelta),
            timestamp: Timestamp(milliseconds: appendTimestamp ?? (baseTimestamp &+ timestampDelta)),
            key: key, value: value, headers: headers,
            encoded: UnsafeRawBufferPointer(start: start, count: recordEnd - start))
    }

    @usableFromInline @inline(never)
    func corrupt(_ what: StaticString) -> MillraceError {
        RecordBatch.corrupt("at offset \(baseOffset) is broken: its bytes \(what)")
    }
}

extension RecordBatch {
    /// The longest that the records of one batch may become when decompressed, unless a caller says otherwise.
    public static let defaultMaximumDecompressedBytes = 256 << 20

    /// A cursor over the records.
    ///
    /// - Parameters:
    ///   - scratch: Where compressed records are decompressed to; its old content is lost, and the records are valid until it is written again. Not touched otherwise.
    ///   - maximum: How long the decompressed records may be.
    /// - Throws: `MillraceError` of kind `corruption` when the records cannot be decompressed.
    @inlinable
    public func records(
        decompressingInto scratch: ByteBuffer, maximum: Int = RecordBatch.defaultMaximumDecompressedBytes
    ) throws -> RecordCursor {
        if attributes & 7 == 0 { return RecordCursor(self, records: recordBytes) }
        return RecordCursor(self, records: try decompressedRecords(into: scratch, maximum: maximum))
    }

    @usableFromInline
    func decompressedRecords(into scratch: ByteBuffer, maximum: Int) throws -> UnsafeRawBufferPointer {
        scratch.removeAll()
        if recordCount > 0 { try compression.decompress(recordBytes, into: scratch, maximum: maximum) }
        return scratch.bytes
    }
}
