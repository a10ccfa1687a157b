import MillraceCore
import Testing

@testable import MillraceFormats

/// Damaged bytes give an error or other records, never a trap.
@Suite struct FuzzTests {
    @Test(arguments: Compression.allCases)
    func damagedBatches(_ compression: Compression) throws {
        var generator = SeededGenerator(seed: 99)
        let records = (0..<20).map { _ in PlainRecord.random(&generator) }
        let output = try encode(records, batchSize: 700, compression: compression)
        let original = Array(output.bytes)
        var refused = 0
        for _ in 0..<3000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = [0, 0xFF, 0x7F, 0x80, UInt8.random(in: 0...255, using: &generator)].randomElement(using: &generator)!
            }
            if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
            do {
                // Without the checksum, which would catch nearly all before the decoder sees it.
                try bytes.withUnsafeBytes { try walk($0) }
            } catch let error as MillraceError {
                #expect(error.kind == .corruption)
                refused += 1
            }
        }
        #expect(refused > 50)
    }

    private func walk(_ bytes: UnsafeRawBufferPointer) throws {
        var cursor = RecordBatchCursor(bytes)
        let scratch = ByteBuffer()
        while let batch = try cursor.next() {
            var records = try batch.records(decompressingInto: scratch, maximum: 1 << 20)
            while let record = try records.next() {
                for bytes in [record.key, record.value] { _ = bytes.map { $0.last } }
                _ = try record.headers.decoded()
            }
        }
    }
}
