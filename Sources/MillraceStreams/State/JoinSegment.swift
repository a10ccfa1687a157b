import MillraceCore

/// A record in a join store. Never changed once it is there.
struct JoinEntry<Value> {
    let timestamp: Int64
    /// The number of the put; sets records of one key and time apart, in order of arrival.
    let sequence: Int32
    let value: Value

    func precedes(_ other: JoinEntry) -> Bool {
        (timestamp, sequence) < (other.timestamp, other.sequence)
    }
}

/// The records of a stretch of time in a join store: for each key a run of records in order of time, so that the records of a key in a range of time are found by one probe and
/// one binary search. A segment is dropped as a whole.
final class JoinSegment<Value> {
    typealias Run = ContiguousArray<JoinEntry<Value>>

    let id: Int64
    /// Whether the disk may hold records that are not here.
    var isOnDisk: Bool
    private(set) var count = 0
    private let keys = KeyTable()
    private var runs: ContiguousArray<Run> = []

    init(id: Int64, isOnDisk: Bool) {
        self.id = id
        self.isOnDisk = isOnDisk
    }

    /// Roughly the memory it takes, values counted with what they hold in themselves and a little more.
    var byteCount: Int {
        keys.byteCount + runs.count * (MemoryLayout<Run>.stride + 32) + count * (MemoryLayout<JoinEntry<Value>>.stride + 16)
    }

    /// The records of a key, in order of time and arrival; empty when there are none.
    func run(of key: UnsafeRawBufferPointer) -> Run {
        let slot = keys.find(key)
        return slot < 0 ? [] : runs[slot]
    }

    /// Adds a record; one of the same key, time and number is replaced.
    func insert(_ entry: JoinEntry<Value>, key: UnsafeRawBufferPointer) {
        let (slot, isNew) = keys.insert(key)
        if isNew {
            runs.append([entry])
            count += 1
            return
        }
        guard let last = runs[slot].last, !last.precedes(entry) else {
            runs[slot].append(entry)
            count += 1
            return
        }
        let index = runs[slot].firstIndex(fromThereOn: { !$0.precedes(entry) })
        if index < runs[slot].count, !entry.precedes(runs[slot][index]) {
            runs[slot][index] = entry
        } else {
            runs[slot].insert(entry, at: index)
            count += 1
        }
    }

    /// Forgets all records; they are on disk.
    func removeAll() {
        keys.removeAll()
        runs = []
        count = 0
        isOnDisk = true
    }
}

extension ContiguousArray {
    /// The index of the first element that meets a condition which all after it meet too; the end when there is none.
    func firstIndex(fromThereOn condition: (Element) -> Bool) -> Int {
        var lower = 0
        var upper = count
        while lower < upper {
            let middle = (lower + upper) / 2
            if condition(self[middle]) { upper = middle } else { lower = middle + 1 }
        }
        return lower
    }
}
