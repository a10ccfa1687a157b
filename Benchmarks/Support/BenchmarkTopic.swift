/// One of the input topics of the benchmark, generated from a seed: every program that follows the rules makes the same bytes.
public enum BenchmarkTopic: String, CaseIterable, Sendable {
    case lines, words, transactions, left, right, clicks, users, state

    public static let seed: UInt64 = 42
    /// 2026-01-01T00:00:00Z.
    public static let startTime: Int64 = 1_767_225_600_000
    private static let keys = 100_000

    /// A generated record. `partition` is `nil` where the key decides.
    public struct Generated: Sendable {
        public var partition: Int32?
        public var key: [UInt8]?
        public var value: [UInt8]
        public var time: Int64
    }

    /// Calls `body` with the first `count` records, in order.
    public func generate(_ count: Int, _ body: (Generated) throws -> Void) rethrows {
        switch self {
        case .lines, .words: try generateText(count, body)
        case .transactions: try generateTransactions(count, body)
        case .left, .right, .clicks: try generateEvents(count, body)
        case .users: try generateUsers(count, body)
        case .state: try generateState(count, body)
        }
    }

    /// The hash of the first records, by which two generators are compared.
    public func digest(_ count: Int) -> UInt64 {
        var hash = FNV1a64()
        generate(count) { record in
            hash.add("\(record.time)\t")
            for byte in record.key ?? [] { hash.add(byte) }
            hash.add("\t")
            for byte in record.value { hash.add(byte) }
            hash.add("\n")
        }
        return hash.value
    }

    private func generateText(_ count: Int, _ body: (Generated) throws -> Void) rethrows {
        var draws = SplitMix64(seed: BenchmarkTopic.seed, stream: "lines")
        let vocabulary = Vocabulary(seed: BenchmarkTopic.seed)
        var emitted = 0
        var line = 0
        while emitted < count {
            let words = (0..<5 + draws.below(11)).map { _ in vocabulary.draw(&draws) }
            let time = BenchmarkTopic.startTime + Int64(line)
            if self == .lines {
                let text = Array(words.joined(separator: [UInt8(ascii: " ")]))
                try body(Generated(partition: Int32(line % 4), key: nil, value: text, time: time))
                emitted += 1
            } else {
                for word in words.prefix(count - emitted) {
                    try body(Generated(partition: nil, key: word, value: word, time: time))
                    emitted += 1
                }
            }
            line += 1
        }
    }

    private static let countries = [
        "AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "NL", "NO", "PL", "PT", "SE", "SK", "US", "CA",
    ]
    private static let channels = ["chip", "web", "tap", "app"]

    private func generateTransactions(_ count: Int, _ body: (Generated) throws -> Void) rethrows {
        var draws = SplitMix64(seed: BenchmarkTopic.seed, stream: rawValue)
        for number in 0..<count {
            // Every 50th payment is made with one of 50 stolen cards.
            let card = draws.below(50) == 0 ? draws.below(50) : draws.below(BenchmarkTopic.keys)
            let cents = draws.below(100) == 0 ? 50_000 + draws.below(450_000) : 100 + draws.below(19_900)
            let merchant = draws.below(10_000)
            let category = draws.below(10_000)
            let country = BenchmarkTopic.countries[draws.below(20)]
            let channel = BenchmarkTopic.channels[draws.below(4)]
            let time = BenchmarkTopic.startTime + Int64(number / 10) - Int64(draws.below(2_000))
            let device = draws.next() >> 1
            var key = Array("c".utf8)
            key.append(padded: UInt64(card), to: 6)
            var json = Array("{\"txn\":\"t".utf8)
            json.append(padded: UInt64(number), to: 10)
            json.append("\",\"card\":\"")
            json += key
            json.append("\",\"amount\":\(cents / 100).")
            json.append(padded: UInt64(cents % 100), to: 2)
            json.append(",\"currency\":\"EUR\",\"merchant\":\"m")
            json.append(padded: UInt64(merchant), to: 5)
            json.append("\",\"mcc\":\"")
            json.append(padded: UInt64(category), to: 4)
            json.append("\",\"country\":\"\(country)\",\"ts\":\(time),\"channel\":\"\(channel)\",\"device\":\"")
            json.append(padded: device, to: 19)
            json.append("\"}")
            try body(Generated(partition: nil, key: key, value: json, time: time))
        }
    }

    private func generateEvents(_ count: Int, _ body: (Generated) throws -> Void) rethrows {
        var draws = SplitMix64(seed: BenchmarkTopic.seed, stream: rawValue)
        for number in 0..<count {
            var key = [UInt8(ascii: self == .clicks ? "u" : "k")]
            key.append(padded: UInt64(draws.below(BenchmarkTopic.keys)), to: 6)
            let time = BenchmarkTopic.startTime + Int64(number / 5) - Int64(draws.below(500))
            try body(Generated(partition: nil, key: key, value: text(&draws, number), time: time))
        }
    }

    private func generateUsers(_ count: Int, _ body: (Generated) throws -> Void) rethrows {
        var draws = SplitMix64(seed: BenchmarkTopic.seed, stream: rawValue)
        for number in 0..<count {
            var key = Array("u".utf8)
            key.append(padded: UInt64(number), to: 6)
            try body(Generated(partition: nil, key: key, value: text(&draws, number), time: BenchmarkTopic.startTime - 10_000))
        }
    }

    /// 88 letters, a space, the first letter of the topic's name and the number.
    private func text(_ draws: inout SplitMix64, _ number: Int) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(100)
        draws.appendLetters(88, to: &value)
        value.append(" " + rawValue.prefix(1))
        value.append(padded: UInt64(number), to: 10)
        return value
    }

    private func generateState(_ count: Int, _ body: (Generated) throws -> Void) rethrows {
        var draws = SplitMix64(seed: BenchmarkTopic.seed, stream: rawValue)
        for number in 0..<count {
            var value: [UInt8] = []
            draws.appendLetters(100, to: &value)
            var key = Array("s".utf8)
            key.append(padded: UInt64(number * 7_368_787 % count), to: 9)
            try body(Generated(partition: nil, key: key, value: value, time: BenchmarkTopic.startTime + Int64(number / 5)))
        }
    }
}
