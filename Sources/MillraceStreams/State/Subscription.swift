import MillraceCore
import MillraceFormats

/// What a row of the left table tells the right table's side of a foreign-key join: that it points at a foreign key, or does not any more.
///
/// Kafka: `SubscriptionWrapper`.
struct Subscription<Key> {
    enum Instruction: UInt8 {
        /// Forget the subscription; another foreign key has it now.
        case drop = 0
        /// Forget the subscription and answer that there is no row.
        case dropAndAnswer = 1
        /// Keep the subscription and answer, also when there is no row.
        case answerAlways = 2
        /// Keep the subscription and answer if there is a row.
        case answerIfFound = 3

        var keepsSubscription: Bool { self == .answerAlways || self == .answerIfFound }
    }

    /// Of the left row's value; `nil` when the row was deleted.
    var hash: ValueHash?
    var instruction: Instruction
    /// The key of the left row.
    var primaryKey: Key
    /// The partition of the left row, where the answer must go; unknown in subscriptions of apps before Kafka 3.3.
    var primaryPartition: Partition?
}

/// By which a left row knows whether an answer is about its present value.
struct ValueHash: Equatable {
    let high: UInt64
    let low: UInt64

    /// The hash of a value's bytes.
    init(of bytes: UnsafeRawBufferPointer) {
        (high, low) = Murmur3.hash128(bytes)
    }

    /// Reads the 16 bytes at `offset`, which must be there.
    init(reading bytes: UnsafeRawBufferPointer, at offset: Int) {
        high = bytes.loadBigEndian(at: offset)
        low = bytes.loadBigEndian(at: offset + 8)
    }

    func write(to buffer: ByteBuffer) {
        buffer.append(bigEndian: high)
        buffer.append(bigEndian: low)
    }

    static var size: Int { 16 }
}

/// The bytes of subscriptions: version (1; the top bit says that there is no hash), instruction (1), hash (16), the left row's key, and in version 1 its partition (4).
struct SubscriptionFormat<Key> {
    let primaryKey: Serde<Key>

    static var noHash: UInt8 { 0x80 }

    var serde: Serde<Subscription<Key>> {
        let format = self
        return Serde("subscription of \(primaryKey.name)", write: { try format.write($0, to: $1) }, read: { try format.read($0) })
    }

    private func write(_ subscription: Subscription<Key>, to buffer: ByteBuffer) throws {
        let version: UInt8 = subscription.primaryPartition == nil ? 0 : 1
        buffer.append(subscription.hash == nil ? version | Self.noHash : version)
        buffer.append(subscription.instruction.rawValue)
        subscription.hash?.write(to: buffer)
        _ = try primaryKey.write(subscription.primaryKey, to: buffer)
        if let partition = subscription.primaryPartition { buffer.append(bigEndian: partition) }
    }

    private func read(_ bytes: UnsafeRawBufferPointer) throws -> Subscription<Key> {
        guard bytes.count >= 2, let instruction = Subscription<Key>.Instruction(rawValue: bytes[1]) else { throw damage(bytes) }
        let version = bytes[0] & ~Self.noHash
        guard version <= 1 else {
            throw MillraceError(
                .serialization,
                "A subscription of a foreign-key join has version \(version), which a newer app wrote. Upgrade this one first.")
        }
        let hasHash = bytes[0] & Self.noHash == 0
        let start = hasHash ? 2 + ValueHash.size : 2
        let end = bytes.count - (version == 1 ? MemoryLayout<Partition>.size : 0)
        guard start <= end else { throw damage(bytes) }
        return Subscription(
            hash: hasHash ? ValueHash(reading: bytes, at: 2) : nil, instruction: instruction,
            primaryKey: try primaryKey.read(UnsafeRawBufferPointer(rebasing: bytes[start..<end])),
            primaryPartition: version == 1 ? bytes.loadBigEndian(at: end) : nil)
    }

    private func damage(_ bytes: UnsafeRawBufferPointer) -> MillraceError {
        MillraceError(.corruption, "\(bytes.count) bytes are not a subscription of a foreign-key join; something else wrote to its topic.")
    }
}
