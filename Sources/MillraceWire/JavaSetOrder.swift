/// The order in which Java's `HashSet` lists its elements.
///
/// Kafka Streams declares topics that are partitioned alike in the order of such sets, and brokers compare declarations as lists: an app in which only that order is another
/// would not be let into the group. Elements of one bucket keep the order of their insertion.
enum JavaSetOrder {
    /// Strings in the order of a set that they were added to one after the other.
    static func sorted(_ elements: [String]) -> [String] {
        sorted(elements, by: hash, buckets: buckets(growingTo: elements.count))
    }

    /// Sets of strings in the order of a set that is made of a collection of `count` elements, some of which may be the same.
    static func sorted(_ sets: [[String]], madeOf count: Int) -> [[String]] {
        let least = max(Int(Float(count) / 0.75) + 1, 16)
        return sorted(sets, by: { $0.reduce(0) { $0 &+ hash($1) } }, buckets: buckets(for: least))
    }

    /// Java's `String.hashCode`.
    static func hash(_ text: String) -> Int32 {
        text.utf16.reduce(0) { $0 &* 31 &+ Int32($1) }
    }

    private static func sorted<Element>(_ elements: [Element], by hash: (Element) -> Int32, buckets: UInt32) -> [Element] {
        let placed = elements.enumerated().map { place, element in
            let bits = UInt32(bitPattern: hash(element))
            return (bucket: (bits ^ (bits >> 16)) & (buckets - 1), place: place, element: element)
        }
        return placed.sorted { ($0.bucket, $0.place) < ($1.bucket, $1.place) }.map(\.element)
    }

    /// A set begins with 16 buckets, and doubles them when more than three quarters are used.
    private static func buckets(growingTo count: Int) -> UInt32 {
        var buckets: UInt32 = 16
        while count > Int(buckets) / 4 * 3, buckets < 1 << 30 { buckets *= 2 }
        return buckets
    }

    private static func buckets(for capacity: Int) -> UInt32 {
        var buckets: UInt32 = 16
        while Int(buckets) < capacity, buckets < 1 << 30 { buckets *= 2 }
        return buckets
    }
}
