import CZlib

/// How far an input was read: bytes of text and lines, and a checksum of those bytes, by which the same text is known again.
struct ImportPosition: Equatable {
    var bytes: Int64 = 0
    var lines: Int64 = 0
    /// CRC-32 of the bytes.
    private(set) var checksum: UInt = 0
    /// Whether that was all of the input.
    var isComplete = false

    init() {}

    /// - Parameter note: What was kept beside the number of bytes; `nil` comes of one that was not written here.
    init?(bytes: Int64, note: String) {
        let parts = note.split(separator: " ")
        guard parts.count == 3, let lines = Int64(parts[0]), let checksum = UInt(parts[1], radix: 16) else { return nil }
        self.bytes = bytes
        self.lines = lines
        self.checksum = checksum
        isComplete = parts[2] == "complete"
    }

    /// Lines, checksum and completeness as text.
    var note: String { "\(lines) \(String(checksum, radix: 16)) \(isComplete ? "complete" : "open")" }

    mutating func add(_ text: UnsafeRawBufferPointer) {
        bytes += Int64(text.count)
        checksum = UInt(crc32(uLong(checksum), text.bindMemory(to: UInt8.self).baseAddress, UInt32(text.count)))
    }

    mutating func addLineFeed() {
        withUnsafeBytes(of: UInt8(ascii: "\n")) { add($0) }
    }
}
