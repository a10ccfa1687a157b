/// SplitMix64: the only source of chance in a simulation.
struct SeededNumbers: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter stream: Sets the numbers of one purpose apart from those of another.
    init(_ seed: UInt64, stream: UInt64 = 0) {
        state = seed &* 0xD134_2543_DE82_EF95 &+ stream &* 0xAF25_1AF3_B0F0_25B5
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `limit`, which does not belong to it.
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(1, limit))) }

    /// Whether one of `times` cases has come.
    mutating func oneIn(_ times: Int) -> Bool { below(times) == 0 }
}
