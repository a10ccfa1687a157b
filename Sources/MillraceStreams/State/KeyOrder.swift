import MillraceCore

/// The slots of a `KeyTable` in the order of their keys, for stores that are asked for ranges: a skip list, so that a neighbour is found by a seek and never by a scan.
@usableFromInline
final class KeyOrder {
    private static let maximumHeight = 16
    private let keys: KeyTable
    // Used by one task at a time, and no call leads back into it: nothing is there for exclusivity checks to find.
    // What is linked to: a slot, or -1 at the end of a level.
    @exclusivity(unchecked) private var head = [Int32](repeating: -1, count: KeyOrder.maximumHeight)
    /// By slot: the lowest level.
    @exclusivity(unchecked) private var nexts: ContiguousArray<Int32> = []
    /// By slot: the levels above, which three of four slots have not.
    @exclusivity(unchecked) private var towers: ContiguousArray<ContiguousArray<Int32>> = []
    @exclusivity(unchecked) private var height = 1
    /// A fixed seed: the same calls build the same list.
    @exclusivity(unchecked) private var random: UInt64 = 0x2545_F491_4F6C_DD1D

    /// How often it has changed: as long as this stays the same, so does what is behind a slot.
    @exclusivity(unchecked) @usableFromInline private(set) var changes = 0

    @usableFromInline
    init(of keys: KeyTable) {
        self.keys = keys
    }

    /// The order of some slots of the table, given in order.
    @usableFromInline
    init(of keys: KeyTable, sorted slots: ContiguousArray<Int>) {
        self.keys = keys
        var ends = [Int](repeating: -1, count: KeyOrder.maximumHeight)
        makeRoom(for: slots.max() ?? -1)
        for slot in slots {
            let slotHeight = randomHeight()
            if slotHeight > height { height = slotHeight }
            if slotHeight > 1 { towers[slot] = ContiguousArray(repeating: -1, count: slotHeight - 1) }
            for level in 0..<slotHeight {
                setLink(from: ends[level], level: level, to: slot)
                ends[level] = slot
            }
        }
    }

    /// The first slot, or -1.
    @usableFromInline var first: Int { Int(head[0]) }

    /// The slot behind `slot`, or -1.
    @usableFromInline
    func next(_ slot: Int) -> Int { Int(nexts[slot]) }

    /// The slot of the first key that is `key` or greater, or -1.
    @usableFromInline
    func seek(_ key: UnsafeRawBufferPointer) -> Int {
        link(from: lastBefore(key), level: 0)
    }

    /// The slot of the last key that is less than `key`, or -1.
    @usableFromInline
    func lastBefore(_ key: UnsafeRawBufferPointer) -> Int {
        var current = -1
        var level = height - 1
        while level >= 0 {
            let next = link(from: current, level: level)
            if next >= 0, KeyTable.precedes(keys.key(of: next), key) {
                current = next
            } else {
                level -= 1
            }
        }
        return current
    }

    /// The last slot, or -1.
    @usableFromInline var last: Int {
        var current = -1
        for level in (0..<height).reversed() {
            while case let next = link(from: current, level: level), next >= 0 { current = next }
        }
        return current
    }

    /// Takes up a slot that the table has just given out.
    @usableFromInline
    func insert(_ slot: Int) {
        changes += 1
        let key = keys.key(of: slot)
        let slotHeight = randomHeight()
        makeRoom(for: slot)
        if slotHeight > height { height = slotHeight }
        if slotHeight > 1 { towers[slot] = ContiguousArray(repeating: -1, count: slotHeight - 1) }
        var current = -1
        for level in (0..<height).reversed() {
            while case let next = link(from: current, level: level), next >= 0, KeyTable.precedes(keys.key(of: next), key) {
                current = next
            }
            if level < slotHeight {
                setLink(from: slot, level: level, to: link(from: current, level: level))
                setLink(from: current, level: level, to: slot)
            }
        }
    }

    /// Lets go of a slot; to be called before the table removes its key.
    @usableFromInline
    func remove(_ slot: Int) {
        changes += 1
        let key = keys.key(of: slot)
        var current = -1
        for level in (0..<height).reversed() {
            while case let next = link(from: current, level: level), next >= 0, KeyTable.precedes(keys.key(of: next), key) {
                current = next
            }
            if level <= towers[slot].count, link(from: current, level: level) == slot {
                setLink(from: current, level: level, to: link(from: slot, level: level))
            }
        }
        towers[slot] = []
    }

    @usableFromInline
    func removeAll() {
        changes += 1
        head = [Int32](repeating: -1, count: KeyOrder.maximumHeight)
        nexts = []
        towers = []
        height = 1
    }

    private func makeRoom(for slot: Int) {
        while nexts.count <= slot {
            nexts.append(-1)
            towers.append([])
        }
    }

    private func link(from slot: Int, level: Int) -> Int {
        Int(slot < 0 ? head[level] : level == 0 ? nexts[slot] : towers[slot][level - 1])
    }

    private func setLink(from slot: Int, level: Int, to target: Int) {
        if slot < 0 {
            head[level] = Int32(target)
        } else if level == 0 {
            nexts[slot] = Int32(target)
        } else {
            towers[slot][level - 1] = Int32(target)
        }
    }

    /// 1 with probability 3/4, 2 with 3/16, and so on.
    private func randomHeight() -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return min(1 + random.trailingZeroBitCount / 2, KeyOrder.maximumHeight)
    }
}
