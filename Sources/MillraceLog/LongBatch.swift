import MillraceCore
import MillraceFormats

/// A batch that is much longer than batches are is more likely a damaged length, and is not given memory before it is known to be one.
enum LongBatch {
    /// Batches up to this length are read without asking.
    private static let usual = 16 << 20
    private static let pieceLength = 1 << 20

    /// Reads a batch in pieces and checks it, if it claims to be long; others are left to who reads them.
    ///
    /// - Throws: `MillraceError` of kind `corruption` with the place when it does not match its checksum.
    static func check(_ file: any File, path: String, at position: Int, length: Int) throws {
        guard length > usual else { return }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceLength, alignment: 16)
        defer { piece.deallocate() }
        var expected: UInt32 = 0
        var checksum: UInt32 = 0
        var done = 0
        while done < length {
            let wanted = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(pieceLength, length - done)])
            guard try file.read(into: wanted, at: position + done) == wanted.count else { break }
            var bytes = UnsafeRawBufferPointer(wanted)
            if done == 0 {
                expected = bytes.loadBigEndian(at: RecordBatchLayout.crc)
                bytes = UnsafeRawBufferPointer(rebasing: bytes[RecordBatchLayout.attributes...])
            }
            checksum = CRC32C.checksum(bytes, continuing: checksum)
            done += wanted.count
        }
        guard done == length, checksum == expected else {
            throw BatchScan.corrupt(path, position, "A record batch of \(length) bytes, as it claims, does not match its checksum.")
        }
    }
}
