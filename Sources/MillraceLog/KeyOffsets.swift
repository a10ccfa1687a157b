/// The last offset of each key, in a limited amount of memory: 24 bytes a key, whatever the keys' length. Kafka: `SkimpyOffsetMap`.
///
/// It begins small: few topics have as many keys as there may be, and memory that was touched once tends to stay with the process.
/// Keys are told apart by 128 bits of a keyed hash (SipHash with the process's random seed), so that two keys are taken for one neither by chance nor by design.
struct KeyOffsets {
    private struct Slot {
        var high: Int
        var low: Int
        var offset: Int64
    }

    private var slots: [Slot]
    private var used = 0
    private let limit: Int
    private var mask: Int

    /// - Parameter memory: The bytes that it may take, half as many more for the moment in which it grows; rounded down to what a power of two of keys needs.
    init(memory: Int) {
        let wanted = max(memory / MemoryLayout<Slot>.stride, 64)
        let most = 1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)
        limit = most / 4 * 3
        let count = min(most, 4096)
        slots = KeyOffsets.empty(count)
        mask = count - 1
    }

    private static func empty(_ count: Int) -> [Slot] {
        Array(repeating: Slot(high: 0, low: 0, offset: -1), count: count)
    }

    private mutating func grow() {
        let old = slots
        slots = KeyOffsets.empty(old.count * 2)
        mask = slots.count - 1
        for slot in old where slot.offset >= 0 { slots[index(of: slot.high, slot.low)] = slot }
    }

    /// Whether no other key may come.
    var isFull: Bool { used >= limit }

    /// Notes a key's offset, which is later than those noted before.
    mutating func note(_ key: UnsafeRawBufferPointer, at offset: Int64) {
        if used >= slots.count / 4 * 3, used < limit { grow() }
        let (high, low) = KeyOffsets.hash(key)
        let index = index(of: high, low)
        if slots[index].offset < 0 { used += 1 }
        slots[index] = Slot(high: high, low: low, offset: offset)
    }

    /// The last offset noted for a key; `nil` when there is none.
    func offset(of key: UnsafeRawBufferPointer) -> Int64? {
        let (high, low) = KeyOffsets.hash(key)
        let offset = slots[index(of: high, low)].offset
        return offset < 0 ? nil : offset
    }

    /// Where the key is, or the free place where it belongs.
    private func index(of high: Int, _ low: Int) -> Int {
        var index = low & mask
        while slots[index].offset >= 0, slots[index].high != high || slots[index].low != low { index = (index + 1) & mask }
        return index
    }

    private static func hash(_ key: UnsafeRawBufferPointer) -> (Int, Int) {
        var first = Hasher()
        first.combine(bytes: key)
        var second = Hasher()
        second.combine(0x6B65_7973 as UInt64)
        second.combine(bytes: key)
        return (first.finalize(), second.finalize())
    }
}
