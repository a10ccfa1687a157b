import MillraceCore

/// The rows of a store that forgets: each row has a time, and rows of neighbouring times share an overlay, a segment, so that old ones go by the segment.
///
/// Time is the highest time of a row that the store has seen. A row is there as long as its time is greater than that minus the retention. Once all rows of a segment are too
/// old the segment is dropped: from memory at once, and from the disk by one range deletion at the next commit, whatever their number.
///
/// On disk a row lies under the store's prefix, the segment's number (8 bytes) and its key; under the prefix and eight bytes of 255 the store's time is kept.
///
/// Kafka: `AbstractSegments` and the segmented bytes stores.
@usableFromInline
final class SegmentedOverlay<Value> {
    /// One stretch of time.
    @usableFromInline
    struct Segment {
        @usableFromInline let id: Int64
        @usableFromInline let overlay: Overlay<Value>
    }

    /// A write that came too late to be kept, which the changelog gets all the same.
    private struct LateWrite {
        let key: [UInt8]
        let value: [UInt8]?
        let timestamp: Timestamp
        let headers: Headers
    }

    /// How long rows are kept by the time of younger ones; see `firstTimeKept`.
    @usableFromInline let retention: Int64
    /// Whether a row is still there when it is exactly as old as the retention.
    @usableFromInline let keepsLastMoment: Bool
    @usableFromInline let interval: Int64
    private let serde: Serde<Value>
    /// Makes the overlay of a segment, compiled for the type of the values where that was known when the store was declared.
    private let makeOverlay: (Serde<Value>, Backing?, _ isNew: Bool) -> Overlay<Value>
    private let backing: Backing?
    /// The highest time seen, -1 before the first.
    @exclusivity(unchecked) @usableFromInline private(set) var time: Int64 = -1
    private var timeOnDisk: Int64 = -1
    /// By number. There are never many: retention divided by interval, and two more.
    @exclusivity(unchecked) @usableFromInline private(set) var segments: ContiguousArray<Segment> = []
    /// Dropped since the last commit, whose last changes still have to reach the changelog.
    private var dropped: [Segment] = []
    /// The numbers of dropped segments whose rows the disk still has.
    private var droppedOnDisk: [Int64] = []
    private var lateWrites: [LateWrite] = []
    /// Told of changes, while somebody watches.
    var listeners: RowListeners<Value>?
    @exclusivity(unchecked) @usableFromInline var lastUsed = 0

    /// - Parameters:
    ///   - retention: In milliseconds; `Int64.max` keeps everything.
    ///   - interval: The length of a segment; Kafka's default when left out.
    ///   - keepsLastMoment: Whether a row is still there when it is exactly as old as the retention.
    @inlinable
    convenience init(serde: Serde<Value>, retention: Int64, interval: Int64? = nil, keepsLastMoment: Bool = false, backing: Backing?) throws
    {
        try self.init(serde, retention, interval, keepsLastMoment, backing) { serde, backing, isNew in
            Overlay(serde: serde, backing: backing, isNew: isNew)
        }
    }

    @usableFromInline
    init(
        _ serde: Serde<Value>, _ retention: Int64, _ interval: Int64?, _ keepsLastMoment: Bool, _ backing: Backing?,
        makeOverlay: @escaping (Serde<Value>, Backing?, _ isNew: Bool) -> Overlay<Value>
    ) throws {
        self.makeOverlay = makeOverlay
        self.serde = serde
        self.retention = retention
        self.keepsLastMoment = keepsLastMoment
        self.interval = interval ?? max(retention / 2, 60_000)
        self.backing = backing
        if let backing { try open(backing) }
    }

    var byteCount: Int { segments.reduce(0) { $0 + $1.overlay.byteCount } }

    /// Roughly the bytes that the next batch for the disk will hold.
    var unsavedBytes: Int { segments.reduce(0) { $0 + $1.overlay.unsavedBytes } }

    var hasUncommittedRows: Bool {
        !lateWrites.isEmpty || !dropped.isEmpty || segments.contains { $0.overlay.hasUncommittedRows }
    }

    /// The least time of a row that has not been forgotten.
    @inlinable var firstTimeKept: Int64 { max(0, (time - retention).addingClamped(keepsLastMoment ? 0 : 1)) }

    /// The least time of a row that may still lie in a segment, forgotten or not.
    @inlinable var firstTimeHeld: Int64 { max(0, time - retention) / interval * interval }

    /// Lets time pass, and drops what has become too old.
    @usableFromInline
    func observe(_ time: Int64) {
        guard time > self.time else { return }
        self.time = time
        let firstSegment = firstTimeHeld / interval
        while let oldest = segments.first, oldest.id < firstSegment {
            dropped.append(oldest)
            segments.removeFirst()
            lastUsed = 0
        }
    }

    /// The overlay for rows of this time, made if need be; `nil` when they are too old to be kept.
    ///
    /// - Parameter held: Rows count as long as their segment is there, even forgotten ones.
    @inlinable
    func overlay(at time: Int64, held: Bool = false) -> Overlay<Value>? {
        guard time >= (held ? firstTimeHeld : firstTimeKept) else { return nil }
        let id = time / interval
        if lastUsed < segments.count, segments[lastUsed].id == id { return segments[lastUsed].overlay }
        return findOrMakeOverlay(id)
    }

    @inlinable
    func findOrMakeOverlay(_ id: Int64) -> Overlay<Value> {
        if let place = place(of: id) {
            lastUsed = place
            return segments[place].overlay
        }
        return addSegment(id)
    }

    @usableFromInline
    func addSegment(_ id: Int64) -> Overlay<Value> {
        let place = segments.firstIndex { $0.id > id } ?? segments.count
        segments.insert(makeSegment(id, isNew: true), at: place)
        lastUsed = place
        return segments[place].overlay
    }

    /// Where a segment lies, the youngest looked at first.
    @inlinable
    func place(of id: Int64) -> Int? {
        var place = segments.count - 1
        while place >= 0, segments[place].id > id { place -= 1 }
        return place >= 0 && segments[place].id == id ? place : nil
    }

    /// The overlay for rows of this time; `nil` when there are none, or they are too old.
    @inlinable
    func existingOverlay(at time: Int64, held: Bool = false) -> Overlay<Value>? {
        guard time >= (held ? firstTimeHeld : firstTimeKept) else { return nil }
        let id = time / interval
        if lastUsed < segments.count, segments[lastUsed].id == id { return segments[lastUsed].overlay }
        guard let place = place(of: id) else { return nil }
        lastUsed = place
        return segments[place].overlay
    }

    /// Calls `body` for each segment that may hold rows of these times, the oldest first unless `reversed`, until it returns `false`.
    func forEachSegment(from lower: Int64, to upper: Int64, reversed: Bool = false, _ body: (Overlay<Value>) throws -> Bool) rethrows {
        let lower = max(lower, firstTimeKept)
        guard lower <= upper else { return }
        let ids = lower / interval...upper / interval
        // A copy, since `body` may let time pass.
        let inRange = segments.filter { ids.contains($0.id) }
        for place in reversed ? Array(inRange.indices.reversed()) : Array(inRange.indices) {
            if try !body(inRange[place].overlay) { return }
        }
    }

    /// Notes a write that is too old to be kept, for the changelog.
    @usableFromInline
    func putLate(_ key: UnsafeRawBufferPointer, _ value: Value?, _ timestamp: Timestamp, headers: Headers = Headers()) throws {
        let bytes = try value.flatMap { try serde.bytes(of: $0) }
        lateWrites.append(LateWrite(key: Array(key), value: bytes, timestamp: timestamp, headers: headers))
    }

    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        for segment in dropped {
            try segment.overlay.commit(batch: nil, changelog)
            if backing != nil { droppedOnDisk.append(segment.id) }
        }
        dropped.removeAll()
        for segment in segments { try segment.overlay.commit(batch: batch, changelog) }
        for write in lateWrites {
            try write.key.withUnsafeBytes { key in
                guard let value = write.value else { return try changelog(key, nil, write.timestamp, write.headers) }
                try value.withUnsafeBytes { try changelog(key, $0, write.timestamp, write.headers) }
            }
        }
        lateWrites.removeAll()
        guard let batch else { return }
        deleteDropped(in: batch)
        if time != timeOnDisk { try writeTime { batch.put($0, $1) } }
    }

    /// Hands over the rows that commits without a batch have kept, and the store's time, in the order of their keys.
    ///
    /// - Parameter batch: Receives the deletion of old segments, for which there is no hurry: at the next start the time tells that they are old.
    func save(to entries: any SortedEntries, _ batch: any ByteStoreBatch) throws {
        for segment in segments { try segment.overlay.save(to: entries) }
        if time != timeOnDisk { try writeTime { try entries.put($0, $1) } }
        deleteDropped(in: batch)
    }

    /// Takes a row of this time from the changelog.
    func restore(
        _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?, _ timestamp: Timestamp, at time: Int64,
        batch: (any ByteStoreBatch)?
    ) throws {
        observe(time)
        try overlay(at: time)?.restore(key, value, timestamp, batch: batch)
    }

    /// Brings the store's time to the disk with the rows that were restored, and takes away what became too old: a crash before the next commit must not turn time back.
    func finishRestoring(batch: (any ByteStoreBatch)?) throws {
        try commit(to: { _, _, _, _ in }, batch: batch)
    }

    func trim(to limit: Int) {
        for segment in segments { segment.overlay.trim(to: limit / segments.count) }
    }

    private func makeSegment(_ id: Int64, isNew: Bool) -> Segment {
        let place = backing.map { Backing(store: $0.store, prefix: $0.prefix + bytes(of: id)) }
        let segment = Segment(id: id, overlay: makeOverlay(serde, place, isNew))
        if let listeners { segment.overlay.tap = RowTap(listeners, segment: id) }
        return segment
    }

    /// Finds the segments and the time that an earlier run left on disk, with one seek for each.
    private func open(_ backing: Backing) throws {
        let cursor = try BackingCursor(backing, from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil, reversed: false)
        while let key = cursor.key {
            guard key.count >= 8, case let id = key.loadBigEndian(as: Int64.self), id >= 0 else {
                if cursor.value.count == 8 { timeOnDisk = cursor.value.loadBigEndian() }
                break
            }
            segments.append(makeSegment(id, isNew: false))
            guard id < .max else { break }
            try (backing.prefix + bytes(of: id + 1)).withUnsafeBytes { try cursor.seek(toFullKey: $0) }
        }
        observe(timeOnDisk)
    }

    private func writeTime(_ put: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void) throws {
        guard let backing else { return }
        try (backing.prefix + bytes(of: -1)).withUnsafeBytes { key in
            try bytes(of: time).withUnsafeBytes { try put(key, $0) }
        }
        timeOnDisk = time
    }

    private func deleteDropped(in batch: any ByteStoreBatch) {
        guard let backing else { return }
        for id in droppedOnDisk {
            (backing.prefix + bytes(of: id)).withUnsafeBytes { lower in
                (backing.prefix + bytes(of: id + 1)).withUnsafeBytes { batch.deleteRange(from: lower, to: $0) }
            }
        }
        droppedOnDisk.removeAll()
    }

    private func bytes(of number: Int64) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
