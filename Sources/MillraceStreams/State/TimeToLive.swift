import MillraceCore

/// When the rows of a store with a time to live have to go, found without looking at those that stay.
///
/// A row is gone from the moment that stream time reaches its timestamp plus the time to live: reads are exact. It is removed, from disk and with a tombstone from the changelog,
/// a sixteenth of the time to live later at most. For that, each row has a mark under the slot of time that its timestamp lies in; when all of a slot has expired its marks are
/// gone through, and those whose rows were written again since have another mark in a later slot. So the work is one mark for each write to a slot of time and one step for each
/// mark, whatever the number of rows. Marks lie on disk beside the rows, in the same batches, and need no changelog: a restore makes them again.
///
/// What is removed when depends on stream time alone, not on commits or restarts, so the same input gives the same updates.
@usableFromInline
final class TimeToLive {
    /// The marks of one slot of time.
    private final class Slot {
        let start: Int64
        let marks: Overlay<Mark>
        /// Whether there may be any.
        var hasMarks = true
        /// The marks that a sweep has still to look at, the first one last; `nil` when they are not known in order.
        var remaining: ContiguousArray<Int>?

        init(start: Int64, _ marks: Overlay<Mark>) {
            self.start = start
            self.marks = marks
        }
    }

    /// What stands under a slot and a key: nothing.
    private struct Mark {
        static let serde = Serde<Mark>("mark", write: { _, _ in }, read: { _ in Mark() })
    }

    /// In milliseconds.
    let length: Int64
    /// How much time a slot spans.
    private let span: Int64
    private let backing: Backing?
    private let task: TaskContext
    // Used by one task at a time, and no call out of here leads back into a sweep: exclusivity checks would only cost.
    /// By start. There are never many: a time to live has sixteen slots.
    @exclusivity(unchecked) private var slots: ContiguousArray<Slot> = []
    /// When all of the first slot that has marks has expired.
    @exclusivity(unchecked) private var nextSweep: Int64 = .max
    private let buffer = ByteBuffer()
    /// Rows that are removed at a time, and when no more are the next millisecond of stream time goes on: bounds what a jump of time causes at once.
    static var sweepLimit: Int { 4096 }

    /// - Parameter backing: The place of the marks.
    init(_ length: Int64, backing: Backing?, task: TaskContext) throws {
        self.length = length
        self.task = task
        self.backing = backing
        span = max(1, length / 16)
        if let backing { try open(backing) }
    }

    var byteCount: Int { slots.reduce(0) { $0 + $1.marks.byteCount } }

    /// Whether a row of this time is gone.
    @usableFromInline
    func isOver(_ time: Timestamp) -> Bool { end(of: time) <= task.streamTime.milliseconds }

    /// When a row of this time goes.
    @usableFromInline
    func end(of time: Timestamp) -> Int64 { time.milliseconds.addingClamped(length) }

    /// Notes a row that is written.
    ///
    /// - Parameter old: The time of the row before, if there is one and it is at hand, or else `.none`.
    @usableFromInline
    func note(_ key: UnsafeRawBufferPointer, _ time: Timestamp, old: Timestamp) {
        let start = start(of: time)
        if old != .none, self.start(of: old) == start { return }
        mark(key, start)
    }

    /// Notes a row that a restore brings.
    func restore(_ key: UnsafeRawBufferPointer, _ time: Timestamp, batch: (any ByteStoreBatch)?) throws {
        try markedSlot(start(of: time)).marks.restore(key, UnsafeRawBufferPointer(start: nil, count: 0), time, batch: batch)
    }

    /// Finds rows that may be over by now, those of one slot in the order of their keys.
    ///
    /// - Parameter visit: Gets a key; removes its row if it is over, and gives the time of one that stays.
    @usableFromInline
    func sweep(now: Int64, _ visit: (UnsafeRawBufferPointer) throws -> Timestamp?) throws {
        guard now >= nextSweep else { return }
        var visited = 0
        while let slot = slots.first(where: \.hasMarks), end(of: slot) <= now, visited < Self.sweepLimit {
            func step(_ key: UnsafeRawBufferPointer) throws {
                visited += 1
                if let time = try visit(key), start(of: time) != slot.start { mark(key, start(of: time)) }
            }
            let isDone =
                slot.marks.mayMissRows
                ? try walk(slot, upTo: Self.sweepLimit - visited, step) : try takeRemaining(of: slot, upTo: Self.sweepLimit - visited, step)
            guard isDone else { break }
            slot.hasMarks = false
            // What is on disk still has to go from there.
            if backing == nil { slots.removeAll { $0 === slot } }
        }
        nextSweep = slots.first(where: \.hasMarks).map(end) ?? .max
    }

    func commit(batch: (any ByteStoreBatch)?) throws {
        for slot in slots { try slot.marks.commit(batch: batch) { _, _, _, _ in } }
        if batch != nil { slots.removeAll { !$0.hasMarks } }
    }

    func trim(to limit: Int) {
        for slot in slots {
            slot.marks.trim(to: limit / slots.count)
            slot.remaining = nil
        }
    }

    /// Takes marks off a slot that is all in memory.
    ///
    /// - Returns: Whether none is left.
    private func takeRemaining(of slot: Slot, upTo limit: Int, _ step: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        let marks = slot.marks
        var remaining = slot.remaining ?? ContiguousArray(marks.slotsInOrder().reversed())
        slot.remaining = nil
        for _ in 0..<min(limit, remaining.count) {
            guard let mark = remaining.popLast() else { break }
            buffer.removeAll()
            buffer.append(marks.keys.key(of: mark))
            try step(buffer.bytes)
            marks.write(nil, .none, slot: mark)
        }
        slot.remaining = remaining
        return remaining.isEmpty
    }

    /// Takes marks off a slot of which some may be on disk alone.
    ///
    /// - Returns: Whether none is left.
    private func walk(_ slot: Slot, upTo limit: Int, _ step: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        var count = 0
        try slot.marks.forEach(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil) { key, _ in
            count += 1
            guard count <= limit else { return false }
            try step(key)
            slot.marks.put(key, nil, .none)
            return true
        }
        return count <= limit
    }

    private func start(of time: Timestamp) -> Int64 { max(0, time.milliseconds) / span * span }

    private func end(of slot: Slot) -> Int64 { slot.start.addingClamped(span - 1).addingClamped(length) }

    private func mark(_ key: UnsafeRawBufferPointer, _ start: Int64) {
        markedSlot(start).marks.put(key, Mark(), .none)
    }

    /// The slot that gets a mark.
    private func markedSlot(_ start: Int64) -> Slot {
        var place = slots.count
        while place > 0, slots[place - 1].start > start { place -= 1 }
        if place == 0 || slots[place - 1].start != start {
            slots.insert(makeSlot(start, isNew: true), at: place)
            place += 1
        }
        let slot = slots[place - 1]
        slot.hasMarks = true
        slot.remaining = nil
        nextSweep = min(nextSweep, end(of: slot))
        return slot
    }

    private func makeSlot(_ start: Int64, isNew: Bool) -> Slot {
        let place = backing.map { Backing(store: $0.store, prefix: $0.prefix + bytes(of: start)) }
        return Slot(start: start, Overlay(serde: Mark.serde, backing: place, isNew: isNew))
    }

    /// Finds the slots that an earlier run left on disk, with one seek for each.
    private func open(_ backing: Backing) throws {
        let cursor = try BackingCursor(backing, from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil, reversed: false)
        while let key = cursor.key {
            guard key.count >= 8, case let start = key.loadBigEndian(as: Int64.self), start >= 0 else { throw corruption(key.count) }
            slots.append(makeSlot(start, isNew: false))
            guard start < .max else { break }
            try (backing.prefix + bytes(of: start + 1)).withUnsafeBytes { try cursor.seek(toFullKey: $0) }
        }
        nextSweep = slots.first.map(end) ?? .max
    }

    private func bytes(of number: Int64) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private func corruption(_ count: Int) -> MillraceError {
        MillraceError(
            .corruption,
            "A mark of a store with a time to live is \(count) bytes long, or has a negative time. Delete the state directory: it will be rebuilt from the changelog.",
            task: task.id)
    }
}
