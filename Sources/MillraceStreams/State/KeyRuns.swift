import MillraceCore

/// The times of the rows of each key in the segments of a store: where the windows or sessions of a key are looked up, by one probe.
///
/// Held in memory only, beside the rows. What it says of a segment is all there is as long as no row of the segment lies on disk alone.
@usableFromInline
final class KeyRuns<Moment: Comparable> {
    private final class Segment {
        /// Its number.
        let id: Int64
        let keys = KeyTable()
        // Used by one task at a time, and no call leads back into it: nothing is there for exclusivity checks to find.
        /// By slot: the times of a key, in order.
        @exclusivity(unchecked) var runs: ContiguousArray<Run<Moment>> = []

        init(id: Int64) {
            self.id = id
        }
    }

    /// In the order in which they were begun; there are never many.
    @exclusivity(unchecked) private var segments: ContiguousArray<Segment> = []

    init() {}

    /// Roughly the memory it takes.
    var byteCount: Int { segments.reduce(0) { $0 + $1.keys.byteCount + $1.runs.count * MemoryLayout<Run<Moment>>.stride } }

    /// The times of a key in a segment, in order; `nil` when there are none.
    func run(of key: UnsafeRawBufferPointer, in segment: Int64) -> Run<Moment>? {
        guard let segment = existingSegment(segment), case let slot = segment.keys.find(key), slot >= 0 else { return nil }
        return segment.runs[slot]
    }

    /// Notes a row, if it is not known yet.
    func insert(_ moment: Moment, of key: UnsafeRawBufferPointer, in segment: Int64) {
        let segment = existingSegment(segment) ?? newSegment(segment)
        let (slot, isNew) = segment.keys.insert(key)
        guard !isNew else {
            // A slot is given out again only when its key was removed.
            if slot == segment.runs.count { segment.runs.append(Run(moment)) } else { segment.runs[slot] = Run(moment) }
            return
        }
        let index = segment.runs[slot].firstIndex(fromThereOn: { $0 >= moment })
        if index == segment.runs[slot].count || segment.runs[slot][index] != moment { segment.runs[slot].insert(moment, at: index) }
    }

    /// Forgets a row, if it is known.
    func remove(_ moment: Moment, of key: UnsafeRawBufferPointer, in segment: Int64) {
        guard let segment = existingSegment(segment), case let slot = segment.keys.find(key), slot >= 0,
            case let index = segment.runs[slot].firstIndex(fromThereOn: { $0 >= moment }), index < segment.runs[slot].count,
            segment.runs[slot][index] == moment
        else { return }
        if segment.runs[slot].count == 1 { segment.keys.remove(slot) } else { segment.runs[slot].remove(at: index) }
    }

    /// Forgets the segments before one.
    func removeAll(before segment: Int64) {
        segments.removeAll { $0.id < segment }
    }

    private func existingSegment(_ id: Int64) -> Segment? {
        for segment in segments where segment.id == id { return segment }
        return nil
    }

    private func newSegment(_ id: Int64) -> Segment {
        let new = Segment(id: id)
        segments.append(new)
        return new
    }
}

/// The times of a session, in the order of a session store's rows.
@usableFromInline
struct SessionTimes: Comparable {
    @usableFromInline let end: Int64
    @usableFromInline let start: Int64

    @usableFromInline
    static func < (left: SessionTimes, right: SessionTimes) -> Bool {
        left.end != right.end ? left.end < right.end : left.start < right.start
    }
}
