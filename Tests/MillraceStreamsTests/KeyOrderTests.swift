import Testing

@testable import MillraceStreams

@Suite struct KeyOrderTests {
    /// An order that was made of all keys at once goes on like one that they came into one by one.
    @Test func sortedSlotsMakeTheSameOrder() {
        let keys = KeyTable()
        var random = SeededNumbers(seed: 5)
        for _ in 0..<300 {
            withUnsafeBytes(of: UInt32.random(in: 0...400, using: &random).bigEndian) { _ = keys.insert($0) }
        }
        var slots = ContiguousArray(0..<keys.slotLimit)
        keys.sort(&slots)
        let order = KeyOrder(of: keys, sorted: slots)
        func walk() -> [UInt32] {
            var found: [UInt32] = []
            var slot = order.first
            while slot >= 0 {
                found.append(keys.key(of: slot).loadBigEndian())
                slot = order.next(slot)
            }
            return found
        }
        var reference = Set(slots.map { keys.key(of: $0).loadBigEndian(as: UInt32.self) })
        #expect(walk() == reference.sorted())
        for _ in 0..<300 {
            let number = UInt32.random(in: 0...400, using: &random)
            withUnsafeBytes(of: number.bigEndian) { key in
                if case let slot = keys.find(key), slot >= 0 {
                    order.remove(slot)
                    keys.remove(slot)
                    reference.remove(number)
                } else {
                    order.insert(keys.insert(key).slot)
                    reference.insert(number)
                }
            }
            #expect(walk() == reference.sorted())
        }
    }

    /// Inserts and removes keys in a fixed pseudo-random order and compares every seek with a sorted array.
    @Test func seeksLikeASortedArray() {
        let keys = KeyTable()
        let order = KeyOrder(of: keys)
        var reference: Set<[UInt8]> = []
        var random: UInt64 = 7
        func next(_ limit: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33) % limit
        }
        func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool { left.lexicographicallyPrecedes(right) }
        for _ in 0..<400 {
            let key = (0..<next(4)).map { _ in UInt8(next(5)) } + [UInt8](repeating: 0, count: 9)
            key.withUnsafeBytes { bytes in
                if next(2) == 0 {
                    let (slot, isNew) = keys.insert(bytes)
                    if isNew { order.insert(slot) }
                    reference.insert(key)
                } else if case let slot = keys.find(bytes), slot >= 0 {
                    order.remove(slot)
                    keys.remove(slot)
                    reference.remove(key)
                }
                let sorted = reference.sorted(by: precedes)
                let found = order.seek(bytes)
                #expect((found < 0 ? nil : Array(keys.key(of: found))) == sorted.first { !precedes($0, key) })
                let before = order.lastBefore(bytes)
                #expect((before < 0 ? nil : Array(keys.key(of: before))) == sorted.last { precedes($0, key) })
                #expect((order.last < 0 ? nil : Array(keys.key(of: order.last))) == sorted.last)
            }
        }
    }
}
