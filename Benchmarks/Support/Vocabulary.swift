/// 50,000 made-up words, drawn as words of a language are: the second half as often as the first, and so on (Zipf).
struct Vocabulary {
    private var words: [[UInt8]] = []
    private var cumulativeWeights: [UInt64] = []

    init(seed: UInt64) {
        var draws = SplitMix64(seed: seed, stream: "vocabulary")
        var seen: Set<[UInt8]> = []
        var sum: UInt64 = 0
        for number in 1...50_000 {
            var word: [UInt8]
            repeat {
                word = []
                draws.appendLetters(3 + draws.below(8), to: &word)
            } while !seen.insert(word).inserted
            words.append(word)
            sum += (1 << 32) / UInt64(number)
            cumulativeWeights.append(sum)
        }
    }

    func draw(_ draws: inout SplitMix64) -> [UInt8] {
        let target = (draws.next() >> 1) % cumulativeWeights[cumulativeWeights.count - 1]
        var low = 0
        var high = cumulativeWeights.count - 1
        while low < high {
            let middle = (low + high) / 2
            if cumulativeWeights[middle] > target { high = middle } else { low = middle + 1 }
        }
        return words[low]
    }
}

extension SplitMix64 {
    mutating func appendLetters(_ count: Int, to text: inout [UInt8]) {
        for _ in 0..<count { text.append(UInt8(ascii: "a") + UInt8(below(26))) }
    }
}

extension [UInt8] {
    mutating func append(_ text: String) { append(contentsOf: text.utf8) }

    /// Appends a number with zeros in front, up to `width` digits.
    mutating func append(padded number: UInt64, to width: Int) {
        let digits = String(number).utf8
        append(contentsOf: repeatElement(UInt8(ascii: "0"), count: Swift.max(0, width - digits.count)))
        append(contentsOf: digits)
    }
}
