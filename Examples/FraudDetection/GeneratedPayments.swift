import Foundation
import Millrace

/// Payments of a month that never happened: the same ones at every run, most of them harmless.
enum GeneratedPayments {
    static let count = 100_000
    private static let cards = 5_000

    /// Writes the payments to a file, one JSON object a line, unless it is there already.
    static func write(to path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        var random = SplitMix64(state: 42)
        var homes: [(latitude: Double, longitude: Double)] = []
        for _ in 0..<cards { homes.append((Double(random.below(200)) / 10 + 38, Double(random.below(300)) / 10 - 5)) }
        let buffer = ByteBuffer(capacity: 32 << 20)
        let serde = Payment.serde
        for number in 0..<count {
            let card = random.below(20) == 0 ? random.below(20) : random.below(cards)
            let strange = random.below(500)
            let home = homes[card]
            let payment = Payment(
                id: "p\(padded(number, 7))", card: cardName(card), merchant: "merchant-\(padded(random.below(2_000), 4))",
                amountCents: strange == 0
                    ? 60_000 + random.below(400_000) : strange == 1 ? 1 + random.below(99) : 200 + random.below(15_000),
                latitude: home.latitude + (strange == 2 ? 20 : Double(random.below(100)) / 1000),
                longitude: home.longitude + Double(random.below(100)) / 1000,
                time: 1_767_225_600_000 + Int64(number) * 25_920 - Int64(random.below(5_000)))
            _ = try serde.write(payment, to: buffer)
            buffer.append(UInt8(ascii: "\n"))
        }
        try FileManager.default.createDirectory(atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(buffer.bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    /// The holder of each card.
    static func cardHolders() -> [(key: String, value: CardHolder)] {
        let names = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Tony", "Leslie", "Margaret", "Niklaus"]
        let families = ["Byron", "Murray", "van Dijk", "Huber", "Kowalski", "Allen", "Rossi", "Garcia", "Hamilton", "Virtanen"]
        let countries = ["GB", "IE", "NL", "CH", "PL", "FR", "IT", "ES", "PT", "FI"]
        var random = SplitMix64(state: 7)
        return (0..<10_000).map { card in
            (
                cardName(card),
                CardHolder(name: "\(names[random.below(10)]) \(families[random.below(10)])", country: countries[random.below(10)])
            )
        }
    }

    private static func cardName(_ number: Int) -> String { "card-\(padded(number, 5))" }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// A small generator of random numbers that is the same everywhere.
private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
