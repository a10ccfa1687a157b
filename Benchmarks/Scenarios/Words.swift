/// The pieces of a line between single spaces, empty ones left out.
func words(of line: String) -> [String] {
    var line = line
    return line.withUTF8 { bytes in
        var words: [String] = []
        var start = 0
        for end in 0...bytes.count where end == bytes.count || bytes[end] == UInt8(ascii: " ") {
            if end > start { words.append(String(decoding: bytes[start..<end], as: UTF8.self)) }
            start = end + 1
        }
        return words
    }
}
