import MillraceCore

/// The punctuations of a task that follow one clock, the next due one first.
///
/// A binary heap with the steps of Java's `PriorityQueue`: which of several punctuations fires first when they are due at the same time can be seen in a topology's output,
/// and Kafka Streams leaves it to that queue.
struct PunctuationQueue {
    private var heap: [Punctuation] = []

    var isEmpty: Bool { heap.isEmpty }

    /// When the next one is due; `nil` when there is none.
    var nextTime: Int64? { heap.first?.next }

    mutating func add(_ punctuation: Punctuation) {
        heap.append(punctuation)
        var place = heap.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard punctuation.next < heap[parent].next else { break }
            heap[place] = heap[parent]
            place = parent
        }
        heap[place] = punctuation
    }

    /// Takes all that were due by this time as having fired, as they had when the records up to then were processed by an earlier run.
    mutating func pass(_ time: Timestamp) {
        var due: [Punctuation] = []
        while let next = removeNext(dueAt: time.milliseconds) { due.append(next) }
        for punctuation in due {
            punctuation.pass(time)
            if !punctuation.isCancelled { add(punctuation) }
        }
    }

    /// Takes the next one out if it is due.
    mutating func removeNext(dueAt now: Int64) -> Punctuation? {
        guard let next = heap.first, next.next <= now else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return next }
        var place = 0
        while place * 2 + 1 < heap.count {
            var child = place * 2 + 1
            if child + 1 < heap.count, heap[child + 1].next < heap[child].next { child += 1 }
            guard heap[child].next < last.next else { break }
            heap[place] = heap[child]
            place = child
        }
        heap[place] = last
        return next
    }
}
