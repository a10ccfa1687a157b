import MillraceCore

/// The order of many keys: by the eight bytes behind what all of them begin with, a byte at a time, and by all bytes only where those are the same.
struct RowOrder {
    struct Element {
        /// The eight bytes, as a number; zeros behind the end of a short key.
        var word: UInt64
        var place: UInt32
    }

    private var elements: ContiguousArray<Element>
    private let key: (Int) -> UnsafeRawBufferPointer

    /// - Parameter key: The key at a place, from 0 to `count - 1`.
    init(count: Int, key: @escaping (Int) -> UnsafeRawBufferPointer) {
        self.key = key
        let shared = Self.sharedLength(count, key)
        elements = []
        elements.reserveCapacity(count)
        for place in 0..<count { elements.append(Element(word: Self.word(key(place), from: shared), place: UInt32(place))) }
        sortByWord()
    }

    /// Calls `body` with the place of each key, in the order of the keys; where several places have one key, with the highest of them.
    func forEachLast(_ body: (Int) throws -> Void) throws {
        var start = 0
        while start < elements.count {
            var end = start + 1
            while end < elements.count, elements[end].word == elements[start].word { end += 1 }
            if end == start + 1 { try body(Int(elements[start].place)) } else { try forEachLast(in: start..<end, body) }
            start = end
        }
    }

    /// The same for keys whose eight bytes are the same. Their places ascend.
    private func forEachLast(in range: Range<Int>, _ body: (Int) throws -> Void) throws {
        let places = elements[range].map { Int($0.place) }.sorted { left, right in
            let (leftKey, rightKey) = (key(left), key(right))
            if KeyTable.precedes(leftKey, rightKey) { return true }
            return left < right && !KeyTable.precedes(rightKey, leftKey)
        }
        for (index, place) in places.enumerated() {
            if index + 1 < places.count, !KeyTable.precedes(key(place), key(places[index + 1])) { continue }
            try body(place)
        }
    }

    /// Sorts by the lowest byte, then by the next one, and so on; each pass leaves elements of equal bytes in their order.
    private mutating func sortByWord() {
        guard elements.count > 1 else { return }
        var other = elements
        var counts = [Int](repeating: 0, count: 256)
        elements.withUnsafeMutableBufferPointer { first in
            other.withUnsafeMutableBufferPointer { second in
                counts.withUnsafeMutableBufferPointer { counts in
                    var (from, to) = (first, second)
                    for shift in stride(from: UInt64(0), to: 64, by: 8) {
                        counts.update(repeating: 0)
                        for element in from { counts[Int(element.word >> shift & 255)] += 1 }
                        // All keys have the same byte here.
                        if counts[Int(from[0].word >> shift & 255)] == from.count { continue }
                        var sum = 0
                        for byte in 0..<256 { (counts[byte], sum) = (sum, sum + counts[byte]) }
                        for element in from {
                            let byte = Int(element.word >> shift & 255)
                            to[counts[byte]] = element
                            counts[byte] += 1
                        }
                        swap(&from, &to)
                    }
                    if from.baseAddress != first.baseAddress { _ = first.update(fromContentsOf: from) }
                }
            }
        }
    }

    /// How many bytes all keys begin with in common.
    private static func sharedLength(_ count: Int, _ key: (Int) -> UnsafeRawBufferPointer) -> Int {
        guard count > 0 else { return 0 }
        let first = key(0)
        var shared = first.count
        for place in 1..<max(1, count) {
            let other = key(place)
            shared = min(shared, other.count)
            var same = 0
            while same < shared, first[same] == other[same] { same += 1 }
            shared = same
        }
        return shared
    }

    private static func word(_ key: UnsafeRawBufferPointer, from start: Int) -> UInt64 {
        if key.count - start >= 8 { return key.loadBigEndian(at: start) }
        var word: UInt64 = 0
        for place in start..<start + 8 { word = word << 8 | UInt64(place < key.count ? key[place] : 0) }
        return word
    }
}
