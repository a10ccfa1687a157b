import CRdKafka
import MillraceCore
import MillraceFormats

/// Messages of one partition, written again as one record batch of Kafka's format, with their offsets: the form in which the engine takes records.
final class FetchedBlock {
    private let buffer = ByteBuffer(capacity: 64 << 10)
    private var recordCount: Int32 = 0
    private var baseOffset: Int64 = 0
    private var lastOffset: Int64 = 0
    private var baseTimestamp: Int64 = 0
    private var maximumTimestamp: Int64 = 0
    private var batchStart = 0

    /// The finished batches; valid until `reset`.
    var bytes: UnsafeRawBufferPointer { buffer.bytes }

    func reset() {
        buffer.removeAll()
        recordCount = 0
    }

    /// - Throws: `MillraceError` of kind `corruption` when the headers of the message cannot be read.
    func append(_ message: UnsafeMutablePointer<rd_kafka_message_t>) throws {
        let offset = message.pointee.offset
        let timestamp = rd_kafka_message_timestamp(message, nil)
        if recordCount == 0 {
            begin(offset, timestamp)
        } else if offset - baseOffset > Int64(Int32.max) || buffer.count - batchStart > 1 << 30 {
            seal()
            begin(offset, timestamp)
        }
        let key = message.pointee.key
        let keySize = message.pointee.key_len
        let value = message.pointee.payload
        let valueSize = message.pointee.len
        let headers = try MessageHeaders(message)
        let timestampDelta = Varint.zigzag(timestamp &- baseTimestamp)
        let offsetDelta = Varint.zigzag(offset - baseOffset)
        let length =
            1 + Varint.length(timestampDelta) + Varint.length(offsetDelta)
            + (key == nil ? 1 : Varint.length(zigzag: Int64(keySize)) + keySize)
            + (value == nil ? 1 : Varint.length(zigzag: Int64(valueSize)) + valueSize) + headers.byteCount
        let start = buffer.reserve(length + Varint.maximumLength)
        var place = Varint.write(zigzag: Int64(length), to: start)
        place.storeBytes(of: 0, as: UInt8.self)
        place = Varint.write(timestampDelta, to: place + 1)
        place = Varint.write(offsetDelta, to: place)
        place = FetchedBlock.put(key, keySize, at: place)
        place = FetchedBlock.put(value, valueSize, at: place)
        place = headers.write(to: place)
        buffer.commit(place - start)
        lastOffset = offset
        maximumTimestamp = max(maximumTimestamp, timestamp)
        recordCount += 1
    }

    /// Completes the batch that was begun.
    func seal() {
        guard recordCount > 0 else { return }
        let header = RecordBatchHeader(
            baseOffset: Offset(baseOffset), attributes: 0, lastOffsetDelta: Int32(lastOffset - baseOffset),
            baseTimestamp: Timestamp(milliseconds: baseTimestamp), maxTimestamp: Timestamp(milliseconds: maximumTimestamp),
            recordCount: recordCount)
        header.seal(UnsafeMutableRawBufferPointer(rebasing: buffer.mutableBytes[batchStart...]))
        recordCount = 0
    }

    private func begin(_ offset: Int64, _ timestamp: Int64) {
        batchStart = buffer.count
        _ = buffer.reserve(RecordBatchLayout.records)
        buffer.commit(RecordBatchLayout.records)
        baseOffset = offset
        lastOffset = offset
        baseTimestamp = timestamp
        maximumTimestamp = timestamp
    }

    /// Writes a length and bytes, or -1 for none, and returns where they end.
    static func put(_ bytes: UnsafeRawPointer?, _ count: Int, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        guard let bytes else {
            target.storeBytes(of: 1, as: UInt8.self)
            return target + 1
        }
        let place = Varint.write(zigzag: Int64(count), to: target)
        place.copyMemory(from: bytes, byteCount: count)
        return place + count
    }
}

/// The blocks of one session: one that nobody looks at any more is used again.
struct FetchedBlockPool {
    private var blocks: [FetchedBlock] = []
    private static let maximumKept = 16

    mutating func take() -> FetchedBlock {
        for index in blocks.indices where isKnownUniquelyReferenced(&blocks[index]) {
            blocks[index].reset()
            return blocks[index]
        }
        let block = FetchedBlock()
        if blocks.count == FetchedBlockPool.maximumKept { blocks.removeFirst() }
        blocks.append(block)
        return block
    }
}
