import MillraceCore

/// Slots of a `KeyTable` that wait for a time, the earliest first, those of one time by their keys' bytes.
///
/// A binary heap: to add or to take a slot looks at a path of it, and there at times only, unless two are the same.
@usableFromInline
final class DueQueue {
    private struct Waiting {
        let time: Int64
        let slot: Int
    }

    private let keys: KeyTable
    // Used by one task at a time, and no call leads back into it: nothing is there for exclusivity checks to find.
    @exclusivity(unchecked) private var heap: ContiguousArray<Waiting> = []

    @usableFromInline
    init(of keys: KeyTable) {
        self.keys = keys
    }

    /// How many wait.
    @usableFromInline var count: Int { heap.count }

    /// The slot that is due first; `nil` when none waits.
    @usableFromInline var first: Int? { heap.first?.slot }

    /// When it is due.
    @usableFromInline var firstTime: Int64? { heap.first?.time }

    /// Adds a slot, whose key stays in the table until it is taken out.
    @usableFromInline
    func add(_ slot: Int, dueAt time: Int64) {
        let new = Waiting(time: time, slot: slot)
        heap.append(new)
        var place = heap.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard precedes(new, heap[parent]) else { break }
            heap[place] = heap[parent]
            place = parent
        }
        heap[place] = new
    }

    /// Takes the first slot out.
    @usableFromInline
    func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        var place = 0
        while case var child = 2 * place + 1, child < heap.count {
            if child + 1 < heap.count, precedes(heap[child + 1], heap[child]) { child += 1 }
            guard precedes(heap[child], last) else { break }
            heap[place] = heap[child]
            place = child
        }
        heap[place] = last
    }

    @usableFromInline
    func removeAll() {
        heap.removeAll(keepingCapacity: true)
    }

    private func precedes(_ left: Waiting, _ right: Waiting) -> Bool {
        if left.time != right.time { return left.time < right.time }
        return KeyTable.precedes(keys.key(of: left.slot), keys.key(of: right.slot))
    }
}
