import MillraceCore

/// Where a left or outer join of two streams keeps the records that have not found a partner yet, of both sides, and what it knows of time.
///
/// Kafka: the list-value store shared by both sides of the join, and `TimeTracker`.
final class OuterJoinStore<Left, Right>: StateStore {
    let name: String
    let left: WaitingRecords<Left>
    let right: WaitingRecords<Right>
    /// The highest timestamp of both inputs.
    private let observed: ObservedTime
    var streamTime: Int64 { observed.value }
    /// No release is tried before this time and the window are over; `nil` when the next record of stream time tries in any case.
    private var earliest: Int64? {
        get { expected.value < 0 ? nil : expected.value }
        set { expected.replace(with: newValue ?? -1) }
    }
    private let expected: ObservedTime
    private let key = ByteBuffer()

    init(
        name: String, left: Serde<Left>, right: Serde<Right>, backing: Backing?, time: ObservedTime = ObservedTime(),
        expected: ObservedTime = ObservedTime()
    ) {
        self.name = name
        observed = time
        self.expected = expected
        self.left = WaitingRecords(left, isLeft: true, backing: backing)
        self.right = WaitingRecords(right, isLeft: false, backing: backing)
    }

    func advance(to time: Int64) {
        observed.advance(to: time)
    }

    /// Lets the next release look at records of this time.
    func expect(_ time: Int64) {
        earliest = min(earliest ?? .max, time)
    }

    /// Whether a release could find a record, from the viewpoint of a side whose records wait for so long.
    func isReleaseDue(after wait: Int64) -> Bool {
        earliest.map { $0.addingClamped(wait) < streamTime } ?? true
    }

    /// Takes out the records that have waited in vain, in order of time, then side (right first), then key.
    ///
    /// A record of the left has when its time plus `leftWait` is below stream time, one of the right likewise. The next release is then expected where Kafka Streams would look,
    /// which finds it by walking on until it has met records of both sides that still wait: at the record behind those, or else at the last one. That may be later than
    /// necessary. Here it is found by seeking.
    ///
    /// - Parameter now: The time of the record that is the reason.
    func release(
        leftWait: Int64, rightWait: Int64, now: Timestamp, left emitLeft: (WaitingRecords<Left>.Group) throws -> Void,
        right emitRight: (WaitingRecords<Right>.Group) throws -> Void
    ) throws {
        let leftEnd = streamTime.addingClamped(-leftWait)
        let rightEnd = streamTime.addingClamped(-rightWait)
        earliest = nil
        var lastReleased: Int64?
        var lefts = ReleaseQueue(left, before: leftEnd)
        var rights = ReleaseQueue(right, before: rightEnd)
        while true {
            let nextLeft = try lefts.first()
            let nextRight = try rights.first()
            if let nextRight, nextLeft.map({ nextRight.time <= $0.time }) ?? true {
                try emitRight(nextRight)
                right.remove(nextRight, now: now)
                rights.removeFirst()
                lastReleased = nextRight.time
            } else if let nextLeft {
                try emitLeft(nextLeft)
                left.remove(nextLeft, now: now)
                lefts.removeFirst()
                lastReleased = nextLeft.time
            } else {
                break
            }
        }
        left.clear(before: leftEnd)
        right.clear(before: rightEnd)
        let openLeft = try left.groups(from: .start, before: .max, limit: 1).first
        let openRight = try right.groups(from: .start, before: .max, limit: 1).first
        left.clear(before: openLeft?.time ?? .max)
        right.clear(before: openRight?.time ?? .max)
        earliest = try lastLookedAt(openLeft, openRight, lastReleased)
    }

    /// The time of the record at which Kafka Streams would stop to walk.
    private func lastLookedAt(_ openLeft: WaitingRecords<Left>.Group?, _ openRight: WaitingRecords<Right>.Group?, _ lastReleased: Int64?)
        throws -> Int64?
    {
        guard let openLeft, let openRight else {
            return [try left.lastTime(), try right.lastTime(), lastReleased].compactMap { $0 }.max()
        }
        let nextLeft: Int64?
        let nextRight: Int64?
        if openLeft.time >= openRight.time {
            if openLeft.values.count > 1 { return openLeft.time }
            nextLeft = try left.groups(from: .after(openLeft), before: .max, limit: 1).first?.time
            nextRight = try right.groups(from: .time(openLeft.time.addingClamped(1)), before: .max, limit: 1).first?.time
        } else {
            if openRight.values.count > 1 { return openRight.time }
            nextLeft = try left.groups(from: .time(openRight.time), before: .max, limit: 1).first?.time
            nextRight = try right.groups(from: .after(openRight), before: .max, limit: 1).first?.time
        }
        return [nextLeft, nextRight].compactMap { $0 }.min() ?? max(openLeft.time, openRight.time)
    }

    var byteCount: Int { left.byteCount + right.byteCount }
    var hasUncommittedRows: Bool { left.hasUncommittedRows || right.hasUncommittedRows }

    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try left.commit(batch: batch) { time, key, value, timestamp in
            try changelog(changelogKey(time, 1, key), value, timestamp, Headers())
        }
        try right.commit(batch: batch) { time, key, value, timestamp in
            try changelog(changelogKey(time, 0, key), value, timestamp, Headers())
        }
    }

    func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        guard key.count >= 9, key[8] <= 1 else {
            throw MillraceError(
                .corruption,
                "A key in the changelog of outer join store \(name) (\(key.count) bytes) does not begin with a timestamp and a side.")
        }
        let time: Int64 = key.loadBigEndian()
        let recordKey = UnsafeRawBufferPointer(rebasing: key[9...])
        if key[8] == 1 {
            try left.restore(recordKey, at: time, value, timestamp, batch: batch)
        } else {
            try right.restore(recordKey, at: time, value, timestamp, batch: batch)
        }
    }

    func trim(to limit: Int) {
        left.trim(to: limit / 2)
        right.trim(to: limit / 2)
    }

    private func changelogKey(_ time: Int64, _ side: UInt8, _ recordKey: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        key.removeAll()
        key.append(bigEndian: time)
        key.append(side)
        key.append(recordKey)
        return key.bytes
    }
}

/// The records of one side that have waited in vain, fetched some at a time.
private struct ReleaseQueue<Value> {
    private let records: WaitingRecords<Value>
    private let end: Int64
    private var fetched: ArraySlice<WaitingRecords<Value>.Group> = []
    private var place = WaitingRecords<Value>.Place.start
    private var isComplete = false

    init(_ records: WaitingRecords<Value>, before end: Int64) {
        self.records = records
        self.end = end
    }

    mutating func first() throws -> WaitingRecords<Value>.Group? {
        if fetched.isEmpty, !isComplete {
            fetched = try records.groups(from: place, before: end, limit: 256)[...]
            isComplete = fetched.count < 256
            if let last = fetched.last { place = .after(last) }
        }
        return fetched.first
    }

    mutating func removeFirst() {
        fetched.removeFirst()
    }
}
