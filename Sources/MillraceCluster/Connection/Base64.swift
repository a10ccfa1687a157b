import COpenSSL

/// Bytes as text of base64, as SCRAM writes them.
enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = EVP_EncodeBlock(&text, bytes, Int32(clamping: bytes.count))
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }

    /// `nil` when `text` is not base64.
    static func decode(_ text: String) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count % 4 == 0, !characters.isEmpty else { return nil }
        var bytes = [UInt8](repeating: 0, count: characters.count / 4 * 3)
        let count = EVP_DecodeBlock(&bytes, characters, Int32(clamping: characters.count))
        guard count >= 0 else { return nil }
        let padding = characters.suffix(2).count { $0 == UInt8(ascii: "=") }
        return Array(bytes.prefix(Int(count) - padding))
    }
}
