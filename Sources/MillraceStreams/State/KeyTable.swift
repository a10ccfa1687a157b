import MillraceCore

/// Numbers keys: each distinct run of bytes gets a small integer, its slot, until it is removed.
///
/// Stores are keyed by the *serialised* key, for two reasons: two keys are the same if and only if Kafka sees the same bytes (Swift holds "é" and "e" + accent for equal), and this
/// table, being the same code for every key type, is compiled once and probes without calling into a `Hashable`.
/// Open addressing with linear probing; the bytes of all keys lie in one arena. Slots of removed keys are used again.
public final class KeyTable {
    /// What a slot knows of its key.
    struct Entry {
        var offset: Int
        var length: Int32
        var hash: UInt32
    }

    /// What stands at a place: a slot + 1, 0 where it is free, and its key's hash, so that a probe that meets another key need not look at that key.
    private struct Tag {
        var slot: UInt32
        var hash: UInt32
    }

    // A table is used by one task at a time, and no call leads back into it: nothing is there for exclusivity checks to find.
    /// The count is a power of two.
    @exclusivity(unchecked) private var places: UnsafeMutableBufferPointer<Tag>
    @exclusivity(unchecked) private var entries: ContiguousArray<Entry> = []
    @exclusivity(unchecked) private var freeSlots: ContiguousArray<Int> = []
    @exclusivity(unchecked) private var arena: UnsafeMutableRawPointer
    @exclusivity(unchecked) private var arenaCapacity = 1024
    @exclusivity(unchecked) private var arenaUsed = 0
    @exclusivity(unchecked) private var arenaWasted = 0

    /// The number of keys.
    @exclusivity(unchecked) public private(set) var count = 0

    init() {
        places = .allocate(capacity: 32)
        places.initialize(repeating: Tag(slot: 0, hash: 0))
        arena = .allocate(byteCount: arenaCapacity, alignment: 8)
    }

    deinit {
        places.deallocate()
        arena.deallocate()
    }

    /// One more than the largest slot ever given out: the length of arrays that run beside this table.
    var slotLimit: Int { entries.count }

    /// Bytes that the table takes.
    var byteCount: Int { arenaCapacity + places.count * MemoryLayout<Tag>.stride + entries.capacity * MemoryLayout<Entry>.stride }

    /// The slot of `key`, or -1.
    public func find(_ key: UnsafeRawBufferPointer) -> Int {
        let hash = KeyTable.hash(key)
        let mask = places.count - 1
        var place = Int(hash) & mask
        while true {
            let tag = places[place]
            if tag.slot == 0 { return -1 }
            if tag.hash == hash, matches(Int(tag.slot) - 1, key) { return Int(tag.slot) - 1 }
            place = (place + 1) & mask
        }
    }

    /// The slot of `key`, which gets one if it has none.
    public func insert(_ key: UnsafeRawBufferPointer) -> (slot: Int, isNew: Bool) {
        let hash = KeyTable.hash(key)
        let mask = places.count - 1
        var place = Int(hash) & mask
        while true {
            let tag = places[place]
            if tag.slot == 0 { break }
            if tag.hash == hash, matches(Int(tag.slot) - 1, key) { return (Int(tag.slot) - 1, false) }
            place = (place + 1) & mask
        }
        let entry = Entry(offset: store(key), length: Int32(key.count), hash: hash)
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            entries[slot] = entry
        } else {
            slot = entries.count
            entries.append(entry)
        }
        places[place] = Tag(slot: UInt32(slot + 1), hash: hash)
        count += 1
        if count * 4 > places.count * 3 { growPlaces() }
        return (slot, true)
    }

    /// Whether a slot has a key.
    func isInUse(_ slot: Int) -> Bool { slot < entries.count && entries[slot].length >= 0 }

    /// The key of a slot that is in use, valid until the next insertion.
    public func key(of slot: Int) -> UnsafeRawBufferPointer {
        let entry = entries[slot]
        return UnsafeRawBufferPointer(start: arena + entry.offset, count: Int(entry.length))
    }

    /// Puts slots that are in use in the order of their keys.
    @usableFromInline
    func sort(_ slots: inout ContiguousArray<Int>) {
        // The first eight bytes tell nearly all keys apart, without going to where they lie.
        var prefixed = slots.map { slot in (prefix: prefix(of: slot), slot: slot) }
        prefixed.sort { left, right in
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            return KeyTable.precedes(key(of: left.slot), key(of: right.slot))
        }
        for (index, element) in prefixed.enumerated() { slots[index] = element.slot }
    }

    /// Puts slots that are in use in the order of their keys' lengths, and those of one length in the order of their keys.
    @usableFromInline
    func sortByLength(_ slots: inout ContiguousArray<Int>) {
        var groups: [Int32: ContiguousArray<Int>] = [:]
        for slot in slots { groups[entries[slot].length, default: []].append(slot) }
        slots.removeAll(keepingCapacity: true)
        for (_, var group) in groups.sorted(by: { $0.key < $1.key }) {
            sort(&group)
            slots += group
        }
    }

    private func prefix(of slot: Int) -> UInt64 {
        let key = key(of: slot)
        if key.count >= 8 { return key.loadBigEndian() }
        return key.reduce(0) { $0 << 8 | UInt64($1) } << UInt64(8 * (8 - key.count))
    }

    /// Forgets the key of a slot that is in use; the slot will be given to another key.
    @usableFromInline
    func remove(_ slot: Int) {
        let mask = places.count - 1
        var hole = Int(entries[slot].hash) & mask
        while places[hole].slot != UInt32(slot + 1) { hole = (hole + 1) & mask }
        // Close the gap, so that no key behind it becomes unreachable.
        var next = (hole + 1) & mask
        while places[next].slot != 0 {
            let home = Int(places[next].hash) & mask
            if (next - home) & mask >= (next - hole) & mask {
                places[hole] = places[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        places[hole].slot = 0
        arenaWasted += Int(entries[slot].length)
        entries[slot].length = -1
        freeSlots.append(slot)
        count -= 1
    }

    /// Forgets all keys and gives back large memory.
    @usableFromInline
    func removeAll() {
        places.deallocate()
        places = .allocate(capacity: 32)
        places.initialize(repeating: Tag(slot: 0, hash: 0))
        entries = []
        freeSlots = []
        arena.deallocate()
        arenaCapacity = 1024
        arena = .allocate(byteCount: arenaCapacity, alignment: 8)
        arenaUsed = 0
        arenaWasted = 0
        count = 0
    }

    /// Orders two keys as unsigned bytes, a prefix first.
    @usableFromInline
    static func precedes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        let common = min(left.count, right.count)
        if common > 0 {
            let order = compare(left.baseAddress.unsafelyUnwrapped, right.baseAddress.unsafelyUnwrapped, common)
            if order != 0 { return order < 0 }
        }
        return left.count < right.count
    }

    /// -1, 0 or 1 as `memcmp`, eight bytes at a time.
    static func compare(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Int {
        var index = 0
        while index + 8 <= count {
            let a = left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let b = right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if a != b { return a.bigEndian < b.bigEndian ? -1 : 1 }
            index += 8
        }
        while index < count {
            let a = left.load(fromByteOffset: index, as: UInt8.self)
            let b = right.load(fromByteOffset: index, as: UInt8.self)
            if a != b { return a < b ? -1 : 1 }
            index += 1
        }
        return 0
    }

    /// Multiply-and-fold over 8-byte words. Not for adversaries: keys that collide on purpose cost time, never correctness.
    static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: key.count)
        guard let base = key.baseAddress else { return UInt32(truncatingIfNeeded: state) }
        var index = 0
        while index + 8 <= key.count {
            state = fold(state ^ base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        if index < key.count { state = fold(state ^ tail(base, from: index, count: key.count)) }
        return UInt32(truncatingIfNeeded: state ^ state >> 32)
    }

    /// The last bytes of a key, fewer than eight, as one number. Loads overlap instead of going byte by byte.
    private static func tail(_ base: UnsafeRawPointer, from index: Int, count: Int) -> UInt64 {
        if count >= 8 { return base.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self) }
        if count >= 4 {
            return UInt64(base.loadUnaligned(as: UInt32.self)) << 32
                | UInt64(base.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        }
        let (first, middle, last) = (
            base.load(as: UInt8.self), base.load(fromByteOffset: count / 2, as: UInt8.self),
            base.load(fromByteOffset: count - 1, as: UInt8.self)
        )
        return UInt64(first) << 16 | UInt64(middle) << 8 | UInt64(last)
    }

    /// Whether as many bytes are the same at both places.
    private static func areEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
        var index = 0
        while index + 8 <= count {
            if left.loadUnaligned(fromByteOffset: index, as: UInt64.self) != right.loadUnaligned(fromByteOffset: index, as: UInt64.self) {
                return false
            }
            index += 8
        }
        return index == count || tail(left, from: index, count: count) == tail(right, from: index, count: count)
    }

    private static func fold(_ word: UInt64) -> UInt64 {
        let (high, low) = word.multipliedFullWidth(by: 0xBF58_476D_1CE4_E5B9)
        return high ^ low
    }

    private func matches(_ slot: Int, _ key: UnsafeRawBufferPointer) -> Bool {
        let entry = entries[slot]
        guard Int(entry.length) == key.count else { return false }
        guard let base = key.baseAddress else { return true }
        return KeyTable.areEqual(arena + entry.offset, base, key.count)
    }

    private func store(_ key: UnsafeRawBufferPointer) -> Int {
        if arenaUsed + key.count > arenaCapacity { growArena(for: key.count) }
        let offset = arenaUsed
        if let base = key.baseAddress { (arena + offset).copyBytes(from: base, count: key.count) }
        arenaUsed += key.count
        return offset
    }

    /// Moves the keys to an arena with room for `additional` bytes, leaving removed ones behind.
    private func growArena(for additional: Int) {
        let live = arenaUsed - arenaWasted
        arenaCapacity = max((live + additional) * 2, 1024)
        let bigger = UnsafeMutableRawPointer.allocate(byteCount: arenaCapacity, alignment: 8)
        var used = 0
        for slot in entries.indices where entries[slot].length >= 0 {
            let length = Int(entries[slot].length)
            (bigger + used).copyMemory(from: arena + entries[slot].offset, byteCount: length)
            entries[slot].offset = used
            used += length
        }
        arena.deallocate()
        arena = bigger
        arenaUsed = used
        arenaWasted = 0
    }

    private func growPlaces() {
        let old = places
        places = .allocate(capacity: old.count * 2)
        places.initialize(repeating: Tag(slot: 0, hash: 0))
        let mask = places.count - 1
        for tag in old where tag.slot != 0 {
            var place = Int(tag.hash) & mask
            while places[place].slot != 0 { place = (place + 1) & mask }
            places[place] = tag
        }
        old.deallocate()
    }
}
