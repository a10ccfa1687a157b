import MillraceCore
import Testing

@testable import MillraceFormats

@Suite struct TransactionMarkerTests {
    /// A batch of one record with these bytes, as a transaction's coordinator writes it.
    private func batch(key: [UInt8], value: [UInt8], attributes: Int16) throws -> ByteBuffer {
        let writer = RecordBatchWriter()
        writer.producer = ProducerIdentity(id: 5, epoch: 2)
        try key.withUnsafeBytes { key in try value.withUnsafeBytes { try writer.append(timestamp: 1, key: key, value: $0) } }
        try writer.finish()
        var header = RecordBatchHeader(try RecordBatch(startOf: writer.output.bytes))
        header.attributes = attributes
        header.baseSequence = -1
        header.seal(UnsafeMutableRawBufferPointer(rebasing: writer.output.mutableBytes[0...]))
        return writer.output
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0], [0, 0, 0, 0, 0, 7], 0x30, "abort 7"), ([0, 0, 0, 1], [0, 0, 0, 0, 1, 0], 0x30, "commit 256"),
            // Another kind of control record, a key that is too short, a value that is, and no control batch at all.
            ([0, 0, 0, 2], [0, 0, 0, 0, 0, 7], 0x20, nil), ([0, 0, 0], [], 0x30, nil), ([0, 0, 0, 1], [0], 0x30, "commit -1"),
            ([0, 0, 0, 1], [0, 0, 0, 0, 0, 7], 0x10, nil),
        ] as [([UInt8], [UInt8], Int16, String?)])
    func controlBatchesTellHowATransactionEnded(_ key: [UInt8], _ value: [UInt8], _ attributes: Int16, _ expected: String?) throws {
        let bytes = try batch(key: key, value: value, attributes: attributes)
        try withExtendedLifetime(bytes) {
            let marker = try RecordBatch(startOf: bytes.bytes).marker(scratch: ByteBuffer())
            #expect(marker.map { "\($0.kind.rawValue) \($0.coordinatorEpoch)" } == expected)
        }
    }

    @Test func aWriterNumbersTheRecordsOfItsProducer() throws {
        let writer = RecordBatchWriter(batchSize: 100)
        writer.producer = ProducerIdentity(id: 9, epoch: 3)
        var found: [[Int64]] = []
        for _ in 0..<2 {
            let text = [UInt8](repeating: 1, count: 30)
            for _ in 0..<5 { try text.withUnsafeBytes { try writer.append(timestamp: 0, key: nil, value: $0) } }
            try writer.finish()
            var cursor = RecordBatchCursor(writer.output.bytes)
            while let batch = try cursor.next() {
                #expect(batch.producer == ProducerIdentity(id: 9, epoch: 3) && batch.hasValidChecksum)
                found.append([Int64(batch.baseSequence), Int64(batch.lastSequence)])
            }
            writer.reset()
        }
        #expect(found.first?.first == 0 && found.last?.last == 9)
        for (one, next) in zip(found, found.dropFirst()) { #expect(one[1] + 1 == next[0]) }
        #expect(ProducerSequence.advance(Int32.max - 1, by: 3) == 1 && ProducerSequence.distance(from: Int32.max, to: 1) == 2)
    }
}
