import Millrace

/// A payment, read as a whole, as an app would.
struct Transaction: Codable, Sendable {
    var txn: String
    var card: String
    var amount: Double
    var currency: String
    var merchant: String
    var mcc: String
    var country: String
    var ts: Int64
    var channel: String
    var device: String

    var cents: Int64 { Int64((amount * 100).rounded()) }
}

/// How many payments, and their sum.
struct Total: Sendable {
    var count: Int64 = 0
    var cents: Int64 = 0

    /// Two numbers of 8 bytes.
    static let serde = Serde<Total>(
        "total",
        write: { total, buffer in
            buffer.append(bigEndian: total.count)
            buffer.append(bigEndian: total.cents)
        },
        read: { bytes in
            guard bytes.count == 16 else { throw MillraceError(.serialization, "a total is 16 bytes long, not \(bytes.count)") }
            return Total(count: bytes.loadBigEndian(), cents: bytes.loadBigEndian(at: 8))
        })
}
