import Millrace

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
