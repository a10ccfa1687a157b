import Millrace

/// How many records a key had, and when the last one was due.
struct StampedCount: Sendable {
    var count: Int64 = 0
    var stamp: Int64 = 0

    /// Two numbers of 8 bytes.
    static let serde = Serde<StampedCount>(
        "stamped count",
        write: { value, buffer in
            buffer.append(bigEndian: value.count)
            buffer.append(bigEndian: value.stamp)
        },
        read: { bytes in
            guard bytes.count == 16 else {
                throw MillraceError(.serialization, "a stamped count is 16 bytes long, not \(bytes.count)")
            }
            return StampedCount(count: bytes.loadBigEndian(), stamp: bytes.loadBigEndian(at: 8))
        })

    /// The first 8 bytes of a value.
    static let stamp = Serde<Int64>(
        "stamp",
        write: { stamp, buffer in buffer.append(bigEndian: stamp) },
        read: { bytes in
            guard bytes.count >= 8 else { throw MillraceError(.serialization, "a stamp is 8 bytes long, not \(bytes.count)") }
            return bytes.loadBigEndian()
        })
}
