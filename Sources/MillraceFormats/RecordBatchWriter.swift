import MillraceCore

/// Encodes records as consecutive batches of Kafka's format 2, straight into one buffer that is kept from commit to commit.
///
/// Offsets are counted from 0: whoever appends the batches to a log sets the base offsets, which no checksum covers. Nothing is allocated per record.
///
///     try writer.append(timestamp: time, key: key, value: value)
///     try writer.finish()
///     try session.commit([OutputBatches(partition: partition, bytes: writer.output, recordCount: writer.recordCount)], offsets: [:])
///     writer.reset()
///
/// Kafka: `MemoryRecordsBuilder`. Not thread-safe.
public final class RecordBatchWriter {
    /// What a batch's records may take before the next one is begun, unless a writer is told otherwise.
    public static let defaultBatchSize = 64 * 1024

    /// The finished batches. Complete only after `finish`.
    public let output: ByteBuffer

    /// The fields that change with each record lie behind a pointer, because a class's fields are guarded against overlapping access each time they are touched.
    @usableFromInline let state: UnsafeMutablePointer<State>
    private let compression: Compression
    private let compressed: ByteBuffer?
    /// Whose batches these are: from then on each finished batch says so, and its records are numbered.
    public var producer: ProducerIdentity?
    /// The number of the next batch's first record. It goes on over `reset`, as what was finished before is taken for written.
    public private(set) var nextSequence: Int32 = 0

    @usableFromInline
    struct State {
        @usableFromInline var batchSize: Int
        /// Where the open batch starts in the output; its bytes are not yet part of `output.count` unless the output had to grow.
        @usableFromInline var batchStart = 0
        @usableFromInline var start: UnsafeMutableRawPointer
        @usableFromInline var cursor: UnsafeMutableRawPointer
        @usableFromInline var limit: UnsafeMutableRawPointer
        @usableFromInline var recordsBefore = 0
        @usableFromInline var recordsInBatch = 0
        @usableFromInline var baseTimestamp: Int64 = 0
        @usableFromInline var maxTimestamp: Int64 = 0
    }

    /// An empty writer.
    ///
    /// - Parameters:
    ///   - batchSize: What the records of a batch may take before compression. A record that is longer has a batch of its own.
    ///   - compression: How the records of each batch are compressed.
    public init(batchSize: Int = RecordBatchWriter.defaultBatchSize, compression: Compression = .none) {
        output = ByteBuffer(capacity: 1024)
        self.compression = compression
        compressed = compression == .none ? nil : ByteBuffer(capacity: 1024)
        state = .allocate(capacity: 1)
        let start = output.reserve(0)
        state.initialize(to: State(batchSize: max(batchSize, 1), start: start, cursor: start, limit: start))
    }

    deinit {
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// The number of records appended since the last `reset`.
    @inlinable public var recordCount: Int { state.pointee.recordsBefore + state.pointee.recordsInBatch }

    /// The bytes that the records appended since the last `reset` take, the open batch included, before its compression.
    @inlinable public var byteCount: Int { state.pointee.batchStart + (state.pointee.cursor - state.pointee.start) }

    /// Adds a record.
    ///
    /// - Throws: `MillraceError` of kind `serialization` when the record is longer than a batch can be (2 GiB).
    @inlinable
    public func append(timestamp: Timestamp, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) throws {
        try append(timestamp: timestamp, headerBytes: 1, key: key, value: value)
        // The count of headers: none.
        state.pointee.cursor.storeBytes(of: 0, as: UInt8.self)
        state.pointee.cursor += 1
    }

    /// Adds a record with headers.
    ///
    /// - Throws: `MillraceError` of kind `serialization` when the record is longer than a batch can be (2 GiB).
    @inlinable
    public func append(timestamp: Timestamp, headers: Headers, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) throws {
        if headers.isEmpty {
            try append(timestamp: timestamp, key: key, value: value)
        } else {
            try appendWithHeaders(timestamp, headers, key, value)
        }
    }

    @usableFromInline
    func appendWithHeaders(_ timestamp: Timestamp, _ headers: Headers, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?)
        throws
    {
        let length = headers.reduce(Varint.length(zigzag: Int64(headers.count))) { sum, header in
            let name = header.name.utf8.count
            let value = header.value?.count ?? 0
            return sum + Varint.length(zigzag: Int64(name)) + name + (header.value == nil ? 1 : Varint.length(zigzag: Int64(value))) + value
        }
        try append(timestamp: timestamp, headerBytes: length, key: key, value: value)
        var place = Varint.write(zigzag: Int64(headers.count), to: state.pointee.cursor)
        for header in headers {
            var name = header.name
            place = name.withUTF8 { RecordBatchWriter.put(UnsafeRawBufferPointer($0), at: place) }
            place =
                header.value.map { value in value.withUnsafeBytes { RecordBatchWriter.put($0, at: place) } }
                ?? RecordBatchWriter.put(nil, at: place)
        }
        state.pointee.cursor = place
    }

    /// Writes all of a record but its headers, for which room is left at the cursor.
    @inlinable
    func append(timestamp: Timestamp, headerBytes: Int, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) throws {
        let keyLength = key?.count ?? 0
        let valueLength = value?.count ?? 0
        // What a record takes at most; only near a batch's end does it matter that it may take a little less.
        let bound = 46 + keyLength + valueLength + headerBytes
        let used = state.pointee.cursor - state.pointee.start - RecordBatchLayout.records
        if state.pointee.recordsInBatch == 0 || used + bound > state.pointee.batchSize || bound > state.pointee.limit - state.pointee.cursor
        {
            try makeRoom(bound, timestamp)
        }
        let milliseconds = timestamp.milliseconds
        if milliseconds > state.pointee.maxTimestamp { state.pointee.maxTimestamp = milliseconds }
        let start = state.pointee.cursor
        // A record begins with its length, which is only known behind it. It is told beforehand how many bytes that takes, seldom wrongly.
        let lengthBytes = Varint.length(zigzag: Int64(keyLength + valueLength + headerBytes + 7))
        var place = start + lengthBytes
        place.storeBytes(of: 0, as: UInt8.self)
        place = Varint.write(zigzag: milliseconds &- state.pointee.baseTimestamp, to: place + 1)
        place = Varint.write(zigzag: Int64(state.pointee.recordsInBatch), to: place)
        place = RecordBatchWriter.put(key, at: place)
        place = RecordBatchWriter.put(value, at: place)
        let length = place - start - lengthBytes + headerBytes
        let needed = Varint.length(zigzag: Int64(length))
        if needed != lengthBytes {
            (start + needed).copyMemory(from: start + lengthBytes, byteCount: length - headerBytes)
            place += needed - lengthBytes
        }
        _ = Varint.write(zigzag: Int64(length), to: start)
        state.pointee.cursor = place
        state.pointee.recordsInBatch += 1
    }

    /// Writes a length and bytes, or -1 for none, and returns where they end.
    @inlinable
    static func put(_ bytes: UnsafeRawBufferPointer?, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        guard let bytes else {
            target.storeBytes(of: 1, as: UInt8.self)
            return target + 1
        }
        let place = Varint.write(zigzag: Int64(bytes.count), to: target)
        guard let source = bytes.baseAddress else { return place }
        place.copyBytes(from: source, count: bytes.count)
        return place + bytes.count
    }

    /// Begins a batch if there is none or the open one is full, and sees to it that the output has `bound` bytes of room.
    @usableFromInline @inline(never)
    func makeRoom(_ bound: Int, _ timestamp: Timestamp) throws {
        guard bound <= Int(Int32.max) - RecordBatchLayout.records else {
            throw MillraceError(
                .serialization,
                "A record of about \(bound) bytes is longer than a record batch can be (2 GiB). Split it, or store it elsewhere and send a reference."
            )
        }
        let used = state.pointee.cursor - state.pointee.start - RecordBatchLayout.records
        if state.pointee.recordsInBatch > 0, used + bound > state.pointee.batchSize { try finish() }
        if state.pointee.recordsInBatch == 0 {
            state.pointee.batchStart = output.count
            state.pointee.baseTimestamp = timestamp.milliseconds
            state.pointee.maxTimestamp = timestamp.milliseconds
            let room = RecordBatchLayout.records + max(bound, 4096)
            let start = output.reserve(room)
            state.pointee.start = start
            state.pointee.cursor = start + RecordBatchLayout.records
            state.pointee.limit = start + room
        } else if bound > state.pointee.limit - state.pointee.cursor {
            // The output may move when it grows, and takes along only what it knows of.
            let written = state.pointee.cursor - state.pointee.start
            output.commit(written)
            let room = max(bound, written)
            _ = output.reserve(room)
            output.truncate(to: state.pointee.batchStart)
            let start = output.reserve(0)
            state.pointee.start = start
            state.pointee.cursor = start + written
            state.pointee.limit = start + written + room
        }
    }

    /// Completes the open batch: lengths, counts, timestamps, compression, checksum. Does nothing when none is open.
    ///
    /// - Throws: `MillraceError` when the compression library fails, which takes a lack of memory.
    public func finish() throws {
        let batch = state.pointee
        guard batch.recordsInBatch > 0 else { return }
        output.commit(batch.cursor - batch.start)
        if let compressed {
            compressed.removeAll()
            let records = UnsafeRawBufferPointer(rebasing: output.bytes[(batch.batchStart + RecordBatchLayout.records)...])
            try compression.compress(records, into: compressed)
            output.truncate(to: batch.batchStart + RecordBatchLayout.records)
            output.append(compressed.bytes)
        }
        var header = RecordBatchHeader(
            baseOffset: Offset(Int64(batch.recordsBefore)), attributes: Int16(compression.rawValue),
            lastOffsetDelta: Int32(batch.recordsInBatch - 1), baseTimestamp: Timestamp(milliseconds: batch.baseTimestamp),
            maxTimestamp: Timestamp(milliseconds: batch.maxTimestamp), recordCount: Int32(batch.recordsInBatch))
        if let producer {
            header.producerID = producer.id
            header.producerEpoch = producer.epoch
            header.baseSequence = nextSequence
            nextSequence = ProducerSequence.advance(nextSequence, by: Int64(batch.recordsInBatch))
        }
        header.seal(UnsafeMutableRawBufferPointer(rebasing: output.mutableBytes[batch.batchStart...]))
        state.pointee.recordsBefore += batch.recordsInBatch
        state.pointee.recordsInBatch = 0
        restart()
    }

    /// Forgets all records and keeps the memory, unless it is much more than they took.
    public func reset() {
        output.removeAllShrinking()
        state.pointee.recordsBefore = 0
        state.pointee.recordsInBatch = 0
        restart()
    }

    private func restart() {
        let start = output.reserve(0)
        state.pointee.batchStart = output.count
        state.pointee.start = start
        state.pointee.cursor = start
        state.pointee.limit = start
    }
}
