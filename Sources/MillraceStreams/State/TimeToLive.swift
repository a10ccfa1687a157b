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
    /// In milliseconds.
    let length: Int64
    /// How much time a slot spans.
    private let span: Int64
    private let marks: Overlay<Mark>
    private let task: TaskContext
    private let buffer = ByteBuffer()
    /// No slot before this one has marks.
    private var firstSlot: Int64 = .min
    /// When all of the first slot that has marks has expired; looked up when it is reached.
    private var nextSweep: Int64 = .min
    /// Rows that are removed at a time, and when no more are the next millisecond of stream time goes on: bounds what a jump of time causes at once.
    static var sweepLimit: Int { 4096 }

    /// What stands under a slot and a key: nothing.
    private struct Mark {
        static let serde = Serde<Mark>("mark", write: { _, _ in }, read: { _ in Mark() })
    }

    /// - Parameter backing: The place of the marks.
    init(_ length: Int64, backing: Backing?, task: TaskContext) {
        self.length = length
        self.task = task
        span = max(1, length / 16)
        marks = Overlay(serde: Mark.serde, backing: backing)
    }

    var byteCount: Int { marks.byteCount }

    /// Whether a row of this time is gone.
    func isOver(_ time: Timestamp) -> Bool { end(of: time) <= task.streamTime.milliseconds }

    /// When a row of this time goes.
    func end(of time: Timestamp) -> Int64 { time.milliseconds.addingClamped(length) }

    /// Notes a row that is written.
    ///
    /// - Parameter old: The time of the row before, if it is at hand.
    func note(_ key: UnsafeRawBufferPointer, _ time: Timestamp, old: Timestamp?) {
        let slot = slot(of: time)
        if let old, self.slot(of: old) == slot { return }
        mark(key, slot)
    }

    /// Notes a row that a restore brings.
    func restore(_ key: UnsafeRawBufferPointer, _ time: Timestamp, batch: (any ByteStoreBatch)?) throws {
        let slot = slot(of: time)
        (firstSlot, nextSweep) = (min(firstSlot, slot), .min)
        try marks.restore(bytes(slot, key), UnsafeRawBufferPointer(start: nil, count: 0), time, batch: batch)
    }

    /// Finds rows that may be over by now.
    ///
    /// - Parameter visit: Gets a key; removes its row if it is over, and gives the time of one that stays.
    func sweep(now: Int64, _ visit: (UnsafeRawBufferPointer) throws -> Timestamp?) throws {
        guard now >= nextSweep else { return }
        var visited = 0
        var next: (slot: Int64, end: Int64)?
        try bytes(firstSlot, UnsafeRawBufferPointer(start: nil, count: 0)).withCopy { lower in
            try marks.forEach(from: lower, to: nil) { mark, _ in
                guard mark.count >= 8 else { throw corruption(mark.count) }
                let slot = mark.loadBigEndian(as: Int64.self)
                let end = slot.addingClamped(span - 1).addingClamped(length)
                guard end <= now, visited < Self.sweepLimit else {
                    next = (slot, end)
                    return false
                }
                visited += 1
                let key = UnsafeRawBufferPointer(rebasing: mark[8...])
                if let time = try visit(key), self.slot(of: time) != slot { self.mark(key, self.slot(of: time)) }
                marks.put(mark, nil, .none)
                return true
            }
        }
        firstSlot = next?.slot ?? .max
        nextSweep = next?.end ?? .max
    }

    func commit(batch: (any ByteStoreBatch)?) throws {
        try marks.commit(batch: batch) { _, _, _, _ in }
    }

    func trim(to limit: Int) {
        marks.trim(to: limit)
    }

    private func slot(of time: Timestamp) -> Int64 { max(0, time.milliseconds) / span * span }

    private func mark(_ key: UnsafeRawBufferPointer, _ slot: Int64) {
        firstSlot = min(firstSlot, slot)
        nextSweep = min(nextSweep, slot.addingClamped(span - 1).addingClamped(length))
        marks.put(bytes(slot, key), Mark(), .none)
    }

    /// Slot and key, valid until the next call.
    private func bytes(_ slot: Int64, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        buffer.removeAll()
        buffer.append(bigEndian: max(0, slot))
        buffer.append(key)
        return buffer.bytes
    }

    private func corruption(_ count: Int) -> MillraceError {
        MillraceError(
            .corruption,
            "A mark of a store with a time to live is \(count) bytes long, too short for a time. Delete the state directory: it will be rebuilt from the changelog.",
            task: task.id)
    }
}

extension UnsafeRawBufferPointer {
    /// Calls `body` with a copy that stays as it is.
    fileprivate func withCopy(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        try Array(self).withUnsafeBytes { try body($0) }
    }
}
