import MillraceCore

/// The order of many rows: by the eight bytes behind what all keys begin with, a byte at a time, and by all bytes only where those are the same.
struct RowOrder {
    struct Element {
        /// The eight bytes, as a number; zeros behind the end of a short key.
        var word: UInt64
        var row: UnsafeRawPointer
    }

    private var elements: ContiguousArray<Element>

    init(_ rows: RowBlocks) {
        let shared = Self.sharedLength(rows)
        elements = []
        elements.reserveCapacity(rows.count)
        rows.forEach { elements.append(Element(word: Self.word(RowBlocks.key($0), from: shared), row: $0)) }
        sortByWord()
    }

    /// Calls `body` with the row of each key, in the order of the keys; where several rows have one key, with the last one added.
    func forEachLast(_ body: (UnsafeRawPointer) throws -> Void) throws {
        try elements.withUnsafeBufferPointer { elements in
            var start = 0
            var fetched = 0
            while start < elements.count {
                if start >= fetched { fetched = Self.fetch(elements, from: start) }
                var end = start + 1
                while end < elements.count, elements[end].word == elements[start].word { end += 1 }
                if end == start + 1 { try body(elements[start].row) } else { try Self.forEachLast(elements[start..<end], body) }
                start = end
            }
        }
    }

    /// Touches the next rows, which lie anywhere in memory. One after the other each would be waited for; in a loop of nothing else the processor fetches several at a time.
    ///
    /// - Returns: The first element that was not touched.
    private static func fetch(_ elements: UnsafeBufferPointer<Element>, from start: Int) -> Int {
        let end = min(elements.count, start + 64)
        var sum: UInt32 = 0
        for index in start..<end { sum |= elements[index].row.load(as: UInt32.self) }
        // Something must become of what was read, or it is not read at all.
        return sum == 0 && end == start ? elements.count : end
    }

    /// The same for keys whose eight bytes are the same. Their rows are in the order in which they were added.
    private static func forEachLast(_ elements: Slice<UnsafeBufferPointer<Element>>, _ body: (UnsafeRawPointer) throws -> Void) throws {
        let rows = elements.map(\.row).sorted { left, right in
            let (leftKey, rightKey) = (RowBlocks.key(left), RowBlocks.key(right))
            if KeyTable.precedes(leftKey, rightKey) { return true }
            return RowBlocks.place(left) < RowBlocks.place(right) && !KeyTable.precedes(rightKey, leftKey)
        }
        for (index, row) in rows.enumerated() {
            if index + 1 < rows.count, !KeyTable.precedes(RowBlocks.key(row), RowBlocks.key(rows[index + 1])) { continue }
            try body(row)
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
    private static func sharedLength(_ rows: RowBlocks) -> Int {
        var first: UnsafeRawBufferPointer?
        var shared = 0
        rows.forEach { row in
            let key = RowBlocks.key(row)
            guard let first else {
                (first, shared) = (key, key.count)
                return
            }
            shared = min(shared, key.count)
            var same = 0
            while same < shared, first[same] == key[same] { same += 1 }
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
