/// A stream of draws with a name: the same name gives the same numbers, in every language.
public struct SplitMix64 {
    private var state: UInt64

    public init(seed: UInt64, stream: String) {
        var name = FNV1a64()
        name.add(stream)
        state = seed ^ name.value
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return SplitMix64.mix(state)
    }

    /// A number from 0 to `limit`, which does not belong to it.
    public mutating func below(_ limit: Int) -> Int {
        Int(((next() >> 32) &* UInt64(limit)) >> 32)
    }

    /// Spreads a number over all 64 bits.
    public static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
