import MillraceCore

extension TopicID {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Kafka's way to write a UUID: 22 characters of base64 in the form for URLs, without padding.
    public var text: String {
        var characters: [UInt8] = []
        var high = high
        var low = low
        // From the end: the last character holds two bits, and four of padding.
        var carry = (low & 0x3) << 4
        characters.append(TopicID.alphabet[Int(carry)])
        (high, low) = TopicID.shifted(high, low, by: 2)
        for _ in 0..<21 {
            carry = low & 0x3F
            characters.append(TopicID.alphabet[Int(carry)])
            (high, low) = TopicID.shifted(high, low, by: 6)
        }
        return String(decoding: characters.reversed(), as: UTF8.self)
    }

    /// The UUID that `text` stands for; `nil` when it is not one in Kafka's form.
    public init?(text: String) {
        let characters = Array(text.utf8)
        guard characters.count == 22 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (index, character) in characters.enumerated() {
            guard let position = TopicID.alphabet.firstIndex(of: character) else { return nil }
            let isLast = index == 21
            if isLast, position & 15 != 0 { return nil }
            let bits: UInt64 = isLast ? 2 : 6
            high = high << bits | low >> (64 - bits)
            low = low << bits | UInt64(isLast ? position >> 4 : position)
        }
        self.init(high: high, low: low)
    }

    private static func shifted(_ high: UInt64, _ low: UInt64, by bits: UInt64) -> (UInt64, UInt64) {
        (high >> bits, low >> bits | high << (64 - bits))
    }
}
