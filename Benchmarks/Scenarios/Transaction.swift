/// A payment, read as a whole, as an app would.
public struct Transaction: Codable, Sendable {
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
