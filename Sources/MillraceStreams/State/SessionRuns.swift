import MillraceCore

/// The times of the sessions of each key in one segment of a session store: where a record's sessions are looked up, by one probe.
///
/// Held in memory only, beside the rows. What it says is all there is as long as no row of the segment lies on disk alone.
@usableFromInline
final class SessionRuns {
    @usableFromInline
    struct Session {
        @usableFromInline let end: Int64
        @usableFromInline let start: Int64

        func precedes(_ other: Session) -> Bool {
            end != other.end ? end < other.end : start < other.start
        }
    }

    /// The number of the segment.
    let segment: Int64
    private let keys = KeyTable()
    // Used by one task at a time, and no call leads back into it: nothing is there for exclusivity checks to find.
    /// By slot: the sessions of a key, by end and start.
    @exclusivity(unchecked) private var runs: ContiguousArray<Run<Session>> = []

    init(segment: Int64) {
        self.segment = segment
    }

    /// Roughly the memory it takes.
    var byteCount: Int { keys.byteCount + runs.count * MemoryLayout<Run<Session>>.stride }

    /// The sessions of a key, by end and start; `nil` when there are none.
    @usableFromInline
    func sessions(of key: UnsafeRawBufferPointer) -> Run<Session>? {
        let slot = keys.find(key)
        return slot < 0 ? nil : runs[slot]
    }

    /// Notes a session, if it is not known yet.
    func insert(_ key: UnsafeRawBufferPointer, end: Int64, start: Int64) {
        let session = Session(end: end, start: start)
        let (slot, isNew) = keys.insert(key)
        guard !isNew else {
            // A slot is given out again only when its key was removed.
            if slot == runs.count { runs.append(Run(session)) } else { runs[slot] = Run(session) }
            return
        }
        let index = runs[slot].firstIndex(fromThereOn: { !$0.precedes(session) })
        if index == runs[slot].count || session.precedes(runs[slot][index]) { runs[slot].insert(session, at: index) }
    }

    /// Forgets a session, if it is known.
    func remove(_ key: UnsafeRawBufferPointer, end: Int64, start: Int64) {
        let session = Session(end: end, start: start)
        let slot = keys.find(key)
        guard slot >= 0, case let index = runs[slot].firstIndex(fromThereOn: { !$0.precedes(session) }), index < runs[slot].count,
            !session.precedes(runs[slot][index])
        else { return }
        if runs[slot].count == 1 { keys.remove(slot) } else { runs[slot].remove(at: index) }
    }
}
