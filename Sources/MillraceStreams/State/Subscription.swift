import MillraceCore
import MillraceFormats

/// What a row of the left table tells the right table's side of a foreign-key join: that it points at a foreign key, or does not any more.
///
/// Kafka: `SubscriptionWrapper`.
@usableFromInline
struct Subscription<Key> {
    @usableFromInline
    enum Instruction: UInt8 {
        /// Forget the subscription; another foreign key has it now.
        case drop = 0
        /// Forget the subscription and answer that there is no row.
        case dropAndAnswer = 1
        /// Keep the subscription and answer, also when there is no row.
        case answerAlways = 2
        /// Keep the subscription and answer if there is a row.
        case answerIfFound = 3

        @inlinable var keepsSubscription: Bool { self == .answerAlways || self == .answerIfFound }
    }

    /// Of the left row's value; `nil` when the row was deleted.
    @usableFromInline var hash: ValueHash?
    @usableFromInline var instruction: Instruction
    /// The key of the left row.
    @usableFromInline var primaryKey: Key
    /// The partition of the left row, where the answer must go; unknown in subscriptions of apps before Kafka 3.3.
    @usableFromInline var primaryPartition: Partition?

    @inlinable
    init(hash: ValueHash?, instruction: Instruction, primaryKey: Key, primaryPartition: Partition?) {
        self.hash = hash
        self.instruction = instruction
        self.primaryKey = primaryKey
        self.primaryPartition = primaryPartition
    }
}

/// By which a left row knows whether an answer is about its present value.
@usableFromInline
struct ValueHash: Equatable {
    @usableFromInline let high: UInt64
    @usableFromInline let low: UInt64

    /// The hash of a value's bytes.
    @usableFromInline
    init(of bytes: UnsafeRawBufferPointer) {
        (high, low) = Murmur3.hash128(bytes)
    }

    /// Reads the 16 bytes at `offset`, which must be there.
    @inlinable
    init(reading bytes: UnsafeRawBufferPointer, at offset: Int) {
        high = bytes.loadBigEndian(at: offset, as: UInt64.self)
        low = bytes.loadBigEndian(at: offset + 8, as: UInt64.self)
    }

    @inlinable
    func write(to buffer: ByteBuffer) {
        buffer.append(bigEndian: high)
        buffer.append(bigEndian: low)
    }

    @inlinable static var size: Int { 16 }
}

/// The bytes of subscriptions: version (1; the top bit says that there is no hash), instruction (1), hash (16), the left row's key, and in version 1 its partition (4).
@usableFromInline
struct SubscriptionFormat<Key>: Sendable {
    @usableFromInline let primaryKey: Serde<Key>

    @inlinable
    init(primaryKey: Serde<Key>) {
        self.primaryKey = primaryKey
    }

    @inlinable static var noHash: UInt8 { 0x80 }

    @inlinable var serde: Serde<Subscription<Key>> {
        let format = self
        return Serde("subscription of \(primaryKey.name)", write: { try format.write($0, to: $1) }, read: { try format.read($0) })
    }

    @inlinable
    func write(_ subscription: Subscription<Key>, to buffer: ByteBuffer) throws {
        let version: UInt8 = subscription.primaryPartition == nil ? 0 : 1
        buffer.append(subscription.hash == nil ? version | Self.noHash : version)
        buffer.append(subscription.instruction.rawValue)
        subscription.hash?.write(to: buffer)
        _ = try primaryKey.write(subscription.primaryKey, to: buffer)
        if let partition = subscription.primaryPartition { buffer.append(bigEndian: partition) }
    }

    @inlinable
    func read(_ bytes: UnsafeRawBufferPointer) throws -> Subscription<Key> {
        guard bytes.count >= 2, let instruction = Subscription<Key>.Instruction(rawValue: bytes[1]) else { throw damage(bytes) }
        let version = bytes[0] & ~Self.noHash
        guard version <= 1 else {
            throw newer(version)
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

    @usableFromInline
    func newer(_ version: UInt8) -> MillraceError {
        MillraceError(
            .serialization, "A subscription of a foreign-key join has version \(version), which a newer app wrote. Upgrade this one first.")
    }

    @usableFromInline
    func damage(_ bytes: UnsafeRawBufferPointer) -> MillraceError {
        MillraceError(.corruption, "\(bytes.count) bytes are not a subscription of a foreign-key join; something else wrote to its topic.")
    }
}
