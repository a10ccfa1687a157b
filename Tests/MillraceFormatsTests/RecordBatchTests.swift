import MillraceCore
import Testing

@testable import MillraceFormats

@Suite struct RecordBatchTests {
    @Test(arguments: Compression.allCases, [1, 200, 64 * 1024])
    func whatIsWrittenIsRead(_ compression: Compression, _ batchSize: Int) throws {
        var generator = SeededGenerator(seed: UInt64(batchSize))
        let records = (0..<500).map { _ in PlainRecord.random(&generator) }
        let output = try encode(records, batchSize: batchSize, compression: compression)
        let read = try decode(output.bytes)
        #expect(read.map(\.offset) == Array(0..<500))
        #expect(read.map(\.record) == records)
    }

    @Test func aWriterIsUsedAgain() throws {
        let writer = RecordBatchWriter()
        for round in 1...3 {
            let records = (0..<round * 1000).map { PlainRecord(timestamp: Int64($0), key: [1, 2], value: Array("value \($0)".utf8)) }
            for record in records { try writer.append(record) }
            #expect(writer.recordCount == records.count)
            try writer.finish()
            #expect(writer.byteCount == writer.output.count)
            #expect(try decode(writer.output.bytes).map(\.record) == records)
            writer.reset()
            #expect(writer.recordCount == 0 && writer.byteCount == 0)
        }
    }

    @Test func theHeaderSaysWhatIsIn() throws {
        let records = [30, 10, 20].map { PlainRecord(timestamp: $0, key: nil, value: [7]) }
        let output = try encode(records, compression: .zstd)
        let batch = try RecordBatch(startOf: output.bytes)
        #expect(batch.baseOffset == 0 && batch.lastOffset == 2 && batch.nextOffset == 3)
        #expect(batch.recordCount == 3 && batch.compression == .zstd)
        #expect(batch.baseTimestamp == 30 && batch.maxTimestamp == 30)
        #expect(batch.producerID == -1 && batch.producerEpoch == -1 && batch.baseSequence == -1)
        #expect(!batch.isTransactional && !batch.isControl && !batch.isLogAppendTime)
    }

    @Test func placingABatchKeepsItsChecksumAndStampingRenewsIt() throws {
        let output = try encode([PlainRecord(timestamp: 1, key: nil, value: [1]), PlainRecord(timestamp: 2, key: nil, value: [2])])
        RecordBatchHeader.place(output.mutableBytes, at: 1000, leaderEpoch: 3)
        #expect(try decode(output.bytes).map(\.offset) == [1000, 1001])
        RecordBatchHeader.stamp(output.mutableBytes, appendedAt: 77)
        #expect(try decode(output.bytes).map(\.record.timestamp) == [77, 77])
    }

    @Test func recompressingKeepsTheRecords() throws {
        var generator = SeededGenerator(seed: 5)
        let records = (0..<200).map { _ in PlainRecord.random(&generator) }
        let plain = try encode(records, batchSize: 1000)
        for compression in Compression.allCases {
            let converted = try RecordBatchConversion.recompressed(plain, with: compression)
            #expect(try RecordBatch(startOf: converted.bytes).compression == compression)
            #expect(try decode(converted.bytes).map(\.record) == records)
        }
    }

    @Test(arguments: [Compression.none, .lz4])
    func filteringKeepsOffsets(_ compression: Compression) throws {
        let output = try encode((0..<10).map { PlainRecord(timestamp: $0, key: [UInt8($0)], value: [1]) }, compression: compression)
        let filtered = ByteBuffer()
        let batch = try RecordBatch(startOf: output.bytes)
        let kept = try RecordBatchConversion.filter(batch, scratch: ByteBuffer(), to: filtered) { $0.offset.value % 3 == 0 }
        #expect(kept == 4)
        #expect(try decode(filtered.bytes).map(\.offset) == [0, 3, 6, 9])
        #expect(try RecordBatch(startOf: filtered.bytes).lastOffset == 9)
        let none = try RecordBatchConversion.filter(batch, scratch: ByteBuffer(), to: filtered) { _ in false }
        #expect(none == 0)
        #expect(try decode(filtered.bytes).count == 4)
    }

    @Test func aPartAtTheEndIsARemainder() throws {
        let output = try encode((0..<4).map { PlainRecord(timestamp: $0, key: nil, value: [1]) }, batchSize: 1)
        for cut in 0..<output.count {
            var cursor = RecordBatchCursor(UnsafeRawBufferPointer(rebasing: output.bytes[0..<cut]))
            var whole = 0
            while let batch = try cursor.next() { whole += batch.bytes.count }
            #expect(whole + cursor.remainder.count == cut)
        }
    }

    @Test func aBombIsRefused() throws {
        let records = [PlainRecord(timestamp: 0, key: nil, value: Array(repeating: 0, count: 1 << 20))]
        for compression in Compression.allCases where compression != .none {
            let output = try encode(records, compression: compression)
            #expect(output.count < 1 << 17)
            let batch = try RecordBatch(startOf: output.bytes)
            #expect(throws: MillraceError.self) { try batch.records(decompressingInto: ByteBuffer(), maximum: 1 << 19) }
        }
    }

    @Test func bareSnappyIsRead() throws {
        // What librdkafka writes: one block without the framing of Java's library. A literal of five bytes.
        let output = ByteBuffer()
        try [UInt8]([5, 4 << 2, 104, 101, 108, 108, 111]).withUnsafeBytes {
            try Compression.snappy.decompress($0, into: output, maximum: 100)
        }
        #expect(Array(output.bytes) == Array("hello".utf8))
    }
}
