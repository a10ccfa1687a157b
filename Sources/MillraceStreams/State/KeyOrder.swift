import MillraceCore

/// The slots of a `KeyTable` in the order of their keys, for stores that are asked for ranges: a skip list, so that a neighbour is found by a seek and never by a scan.
@usableFromInline
final class KeyOrder {
    private static let maximumHeight = 16
    private let keys: KeyTable
    // Used by one task at a time, and no call leads back into it: nothing is there for exclusivity checks to find.
    /// The links of a slot's tower, `maximumHeight` apart only for the head; -1 ends a level.
    @exclusivity(unchecked) private var head = [Int32](repeating: -1, count: KeyOrder.maximumHeight)
    @exclusivity(unchecked) private var towers: ContiguousArray<ContiguousArray<Int32>> = []
    @exclusivity(unchecked) private var height = 1
    /// A fixed seed: the same calls build the same list.
    @exclusivity(unchecked) private var random: UInt64 = 0x2545_F491_4F6C_DD1D

    @usableFromInline
    init(of keys: KeyTable) {
        self.keys = keys
    }

    /// The first slot, or -1.
    var first: Int { Int(head[0]) }

    /// The slot behind `slot`, or -1.
    func next(_ slot: Int) -> Int { Int(towers[slot][0]) }

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
        let key = keys.key(of: slot)
        var tower = ContiguousArray<Int32>(repeating: -1, count: randomHeight())
        while towers.count <= slot { towers.append([]) }
        if tower.count > height { height = tower.count }
        var current = -1
        for level in (0..<height).reversed() {
            while case let next = link(from: current, level: level), next >= 0, KeyTable.precedes(keys.key(of: next), key) {
                current = next
            }
            if level < tower.count {
                tower[level] = Int32(link(from: current, level: level))
                setLink(from: current, level: level, to: slot)
            }
        }
        towers[slot] = tower
    }

    /// Lets go of a slot; to be called before the table removes its key.
    @usableFromInline
    func remove(_ slot: Int) {
        let key = keys.key(of: slot)
        var current = -1
        for level in (0..<height).reversed() {
            while case let next = link(from: current, level: level), next >= 0, KeyTable.precedes(keys.key(of: next), key) {
                current = next
            }
            if level < towers[slot].count, link(from: current, level: level) == slot {
                setLink(from: current, level: level, to: Int(towers[slot][level]))
            }
        }
        towers[slot] = []
    }

    @usableFromInline
    func removeAll() {
        head = [Int32](repeating: -1, count: KeyOrder.maximumHeight)
        towers = []
        height = 1
    }

    private func link(from slot: Int, level: Int) -> Int {
        Int(slot < 0 ? head[level] : towers[slot][level])
    }

    private func setLink(from slot: Int, level: Int, to target: Int) {
        if slot < 0 { head[level] = Int32(target) } else { towers[slot][level] = Int32(target) }
    }

    /// 1 with probability 3/4, 2 with 3/16, and so on.
    private func randomHeight() -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return min(1 + random.trailingZeroBitCount / 2, KeyOrder.maximumHeight)
    }
}
