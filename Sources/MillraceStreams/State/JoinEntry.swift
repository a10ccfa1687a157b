/// A record in a join store.
@usableFromInline
struct JoinEntry<Value> {
    @usableFromInline let timestamp: Int64
    /// The number of the put; sets records of one key and time apart, in order of arrival.
    @usableFromInline let sequence: Int32
    /// Whether the disk has still to get it.
    @usableFromInline var isUnsaved: Bool
    @usableFromInline let value: Value

    @inlinable
    init(timestamp: Int64, sequence: Int32, isUnsaved: Bool = false, value: Value) {
        self.timestamp = timestamp
        self.sequence = sequence
        self.isUnsaved = isUnsaved
        self.value = value
    }

    @inlinable
    func precedes(_ other: JoinEntry) -> Bool {
        timestamp != other.timestamp ? timestamp < other.timestamp : sequence < other.sequence
    }
}

// The records of one key in one segment, in order of time and arrival.
extension Run {
    /// Where the records from a time on begin; `count` when there are none.
    @inlinable
    func firstIndex<Value>(from time: Int64) -> Int where Element == JoinEntry<Value> {
        firstIndex(fromThereOn: { $0.timestamp >= time })
    }

    /// Adds a record; one of the same time and number is replaced.
    ///
    /// - Returns: Whether there is one more now.
    @inlinable
    mutating func insert<Value>(_ entry: JoinEntry<Value>) -> Bool where Element == JoinEntry<Value> {
        if last.precedes(entry) {
            rest.append(entry)
            return true
        }
        let index = firstIndex(fromThereOn: { !$0.precedes(entry) })
        if entry.precedes(self[index]) {
            insert(entry, at: index)
            return true
        }
        self[index] = entry
        return false
    }

    /// Calls `body` for each record that the disk has still to get, and takes them for saved.
    @inlinable
    mutating func save<Value>(_ body: (JoinEntry<Value>) throws -> Void) rethrows where Element == JoinEntry<Value> {
        for index in 0..<count where self[index].isUnsaved {
            try body(self[index])
            self[index].isUnsaved = false
        }
    }
}
