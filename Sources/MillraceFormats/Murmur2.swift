/// The hash by which Kafka's producers choose a partition for a key.
public enum Murmur2 {
    /// Kafka's murmur2 of `bytes`, as the signed number that Java sees. Kafka: `Utils.murmur2`.
    @inlinable
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        let multiplier: UInt32 = 0x5bd1_e995
        var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
        guard let base = bytes.baseAddress else { return finish(hash) }
        let whole = bytes.count & ~3
        var index = 0
        while index < whole {
            var word = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            word = word &* multiplier
            word ^= word >> 24
            word = word &* multiplier
            hash = (hash &* multiplier) ^ word
            index += 4
        }
        let left = bytes.count - whole
        if left > 0 {
            if left == 3 { hash ^= UInt32(base.load(fromByteOffset: whole + 2, as: UInt8.self)) << 16 }
            if left >= 2 { hash ^= UInt32(base.load(fromByteOffset: whole + 1, as: UInt8.self)) << 8 }
            hash ^= UInt32(base.load(fromByteOffset: whole, as: UInt8.self))
            hash = hash &* multiplier
        }
        return finish(hash)
    }

    @inlinable
    static func finish(_ value: UInt32) -> Int32 {
        var hash = value
        hash ^= hash >> 13
        hash = hash &* 0x5bd1_e995
        hash ^= hash >> 15
        return Int32(bitPattern: hash)
    }

    /// The partition of a key among `count`, as Kafka's default partitioner has it: the hash without its sign bit, modulo.
    ///
    /// - Precondition: `count` is positive.
    @inlinable
    public static func partition(forKey key: UnsafeRawBufferPointer, count: Int32) -> Int32 {
        precondition(count > 0, "a topic has at least one partition")
        return (hash(key) & Int32.max) % count
    }
}
