import MillraceFormats

/// A small text file of lines, of which the last is the checksum of those before.
enum ChecksummedText {
    private static let mark = "crc "

    /// The text, whose lines all end, with its checksum.
    static func sealed(_ text: String) -> String {
        text + mark + checksum(text) + "\n"
    }

    /// The text without its checksum; `nil` when that is missing or another one.
    static func content(of sealed: String) -> String? {
        let end = mark.utf8.count + 9
        guard sealed.utf8.count >= end, let content = String(sealed.utf8.dropLast(end)),
            self.sealed(content).utf8.elementsEqual(sealed.utf8)
        else { return nil }
        return content
    }

    private static func checksum(_ text: String) -> String {
        let checksum = Array(text.utf8).withUnsafeBytes { CRC32C.checksum($0) }
        let digits = String(checksum, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
