import Millrace

/// A card payment, as one line of the input says it.
struct Payment: Codable, HasSerde, Sendable {
    var id: String
    var card: String
    var merchant: String
    var amountCents: Int
    var latitude: Double
    var longitude: Double
    /// When it happened, in milliseconds since 1970.
    var time: Int64
}

extension Payment {
    /// Refuses what no card could have paid, so that sums stay sums.
    ///
    /// - Throws: `ImplausiblePayment`, upon which the app puts the payment aside.
    func check() throws {
        guard (0...1_000_000_000_000).contains(amountCents), time >= 0 else { throw ImplausiblePayment(payment: id) }
    }
}

struct ImplausiblePayment: Error, CustomStringConvertible {
    var payment: String

    var description: String { "Payment \(payment) has an amount or a time that no payment can have." }
}

/// Whose card it is.
struct CardHolder: Codable, HasSerde, Sendable {
    var name: String
    var country: String
}

/// A payment and the holder of its card, if known.
struct KnownPayment: Codable, HasSerde, Sendable {
    var payment: Payment
    var holder: CardHolder?
}

/// A payment that broke a rule.
struct Alert: Codable, HasSerde, Sendable {
    var rule: Rule
    var payment: String
    var card: String
    var holder: CardHolder?

    init(_ rule: Rule, _ known: KnownPayment) {
        self.rule = rule
        payment = known.payment.id
        card = known.payment.card
        holder = known.holder
    }
}

enum Rule: String, Codable, Sendable {
    /// The sixth payment within ten minutes.
    case velocity
    /// Far more than the card's payments so far.
    case amount
    /// Much money right after a tiny payment.
    case testing
    /// Too far from the payment before to have travelled.
    case travel
}
