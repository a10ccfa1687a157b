/// The hash FNV-1a of 64 bits.
public struct FNV1a64 {
    public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    public init() {}

    public mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
    }

    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes { add(byte) }
    }

    public mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
    }
}

/// The sum over records that shows whether two programs gave the same result, in whatever order.
public struct OutputChecksum {
    public private(set) var value: UInt64 = 0

    public init() {}

    public mutating func add(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer) {
        self.value &+= OutputChecksum.of(key: key, value: value)
    }

    /// The share of one record.
    public static func of(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer) -> UInt64 {
        var hash = FNV1a64()
        if let key { hash.add(key) }
        hash.add(UInt8(ascii: "="))
        hash.add(value)
        return SplitMix64.mix(hash.value)
    }
}
