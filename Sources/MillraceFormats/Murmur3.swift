/// The 128-bit hash (murmur3, x64) by which foreign-key joins notice that a record has changed. Kafka: `Murmur3.hash128`.
public enum Murmur3 {
    /// The seed that Kafka Streams uses.
    public static let kafkaSeed: UInt32 = 104_729

    /// The two halves of the hash, in the order in which Kafka writes them (each big-endian).
    public static func hash128(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = kafkaSeed) -> (UInt64, UInt64) {
        let c1: UInt64 = 0x87c3_7b91_1142_53d5
        let c2: UInt64 = 0x4cf5_ad43_2745_937f
        var h1 = UInt64(seed)
        var h2 = UInt64(seed)
        let whole = bytes.count & ~15
        var index = 0
        while index < whole {
            let k1 = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let k2 = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index + 8, as: UInt64.self))
            h1 ^= rotated(k1 &* c1, 31) &* c2
            h1 = (rotated(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729
            h2 ^= rotated(k2 &* c2, 33) &* c1
            h2 = (rotated(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
            index += 16
        }
        var k1: UInt64 = 0
        var k2: UInt64 = 0
        while index < bytes.count {
            let place = UInt64(index - whole)
            if place < 8 {
                k1 |= UInt64(bytes[index]) << (place * 8)
            } else {
                k2 |= UInt64(bytes[index]) << ((place - 8) * 8)
            }
            index += 1
        }
        // Without tail bytes k1 and k2 are 0 and change nothing.
        h2 ^= rotated(k2 &* c2, 33) &* c1
        h1 ^= rotated(k1 &* c1, 31) &* c2

        h1 ^= UInt64(bytes.count)
        h2 ^= UInt64(bytes.count)
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        h1 = mixed(h1)
        h2 = mixed(h2)
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        return (h1, h2)
    }

    private static func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 {
        value << bits | value >> (64 - bits)
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value ^= value >> 33
        value = value &* 0xff51_afd7_ed55_8ccd
        value ^= value >> 33
        value = value &* 0xc4ce_b9fe_1a85_ec53
        value ^= value >> 33
        return value
    }
}
