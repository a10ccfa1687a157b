import MillraceCore

/// What is stored beside a committed offset: the highest timestamp of the partition, so that stream time goes on where it was after a restart, and until when the task's nodes
/// have sent closed windows, so that none is sent twice.
///
/// The text is Kafka Streams' own: Base64 of a version byte, 2, the time as 8 big-endian bytes, and, if there are any nodes to note, their number (4 bytes) and for each the
/// length of its store's name (4), the name and the time (8). Kafka: `TopicPartitionMetadata`, `ProcessorMetadata`.
enum PartitionTime {
    static func encode(_ time: Timestamp, _ processors: [String: Int64] = [:]) -> String {
        var bytes: [UInt8] = [2]
        withUnsafeBytes(of: time.milliseconds.bigEndian) { bytes += $0 }
        if !processors.isEmpty {
            withUnsafeBytes(of: Int32(processors.count).bigEndian) { bytes += $0 }
            for (name, time) in processors.sorted(by: { $0.key < $1.key }) {
                withUnsafeBytes(of: Int32(name.utf8.count).bigEndian) { bytes += $0 }
                bytes += name.utf8
                withUnsafeBytes(of: time.bigEndian) { bytes += $0 }
            }
        }
        return Base64.encode(bytes)
    }

    /// The time, or `.none` when the text is not of this form.
    static func decode(_ metadata: String) -> Timestamp {
        guard let bytes = Base64.decode(metadata), bytes.count >= 9, bytes[0] == 1 || bytes[0] == 2 else { return .none }
        return Timestamp(milliseconds: bytes[1..<9].reduce(0) { $0 << 8 | Int64($1) })
    }

    /// Until when nodes have sent closed windows, by their stores; as far as the text can be read.
    static func decodeProcessors(_ metadata: String) -> [String: Int64] {
        guard let bytes = Base64.decode(metadata), bytes.first == 2 else { return [:] }
        var rest = bytes.dropFirst(9)
        func number(_ length: Int) -> Int64? {
            guard rest.count >= length else { return nil }
            defer { rest = rest.dropFirst(length) }
            return rest.prefix(length).reduce(0) { $0 << 8 | Int64($1) }
        }
        var processors: [String: Int64] = [:]
        var count = number(4) ?? 0
        while count > 0, let length = number(4), length <= rest.count {
            let name = String(decoding: rest.prefix(Int(length)), as: UTF8.self)
            rest = rest.dropFirst(Int(length))
            guard let time = number(8) else { break }
            processors[name] = time
            count -= 1
        }
        return processors
    }
}

/// Base64 of RFC 4648 with padding, for the few bytes that Kafka stores that way.
private enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for index in 0..<4 {
                text.append(index <= group.count ? alphabet[Int(word >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var word: UInt32 = 0
        var bits = 0
        for character in text.utf8 where character != UInt8(ascii: "=") {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            word = word << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return bytes
    }
}
