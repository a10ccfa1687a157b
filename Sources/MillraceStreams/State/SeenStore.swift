import MillraceCore
import MillracePlan

/// The ids that a deduplication let pass, with their times, as long as they can make another record a duplicate.
///
/// Rows lie in segments of time at least as long as the deduplication looks, so a record concerns three of them at most: it is looked up, never searched for, and old ids go by the
/// segment, at a cost that does not depend on their number. A row's key is the id and the number of its segment (8 bytes), its value the times (8 bytes each).
@usableFromInline
final class SeenStore: StateStore {
    /// What is to be done with a record.
    @usableFromInline
    enum Verdict {
        case new, duplicate
        /// Too old to be told.
        case late
    }

    @usableFromInline let name: String
    private let duration: Int64
    private let grace: Int64
    private let rows: SegmentedOverlay<SeenTimes>
    private let streamTime: ObservedTime
    private let key = ByteBuffer()

    /// - Parameters:
    ///   - duration: How far apart in time records are duplicates, in milliseconds.
    ///   - grace: How far behind stream time a record may be, in milliseconds.
    init(name: String, duration: Int64, grace: Int64, backing: Backing?, streamTime: ObservedTime) throws {
        self.name = name
        self.duration = duration
        self.grace = grace
        self.streamTime = streamTime
        let retention = SeenStore.retention(duration, grace)
        // Many short segments would cost more than a few that hold some rows for longer than necessary.
        rows = try SegmentedOverlay(
            serde: SeenTimes.serde, retention: retention, interval: max(duration, retention / 16, 60_000), backing: backing)
    }

    /// How long an id must be kept: the oldest record that is not late still looks so far back.
    static func retention(_ duration: Int64, _ grace: Int64) -> Int64 {
        duration.addingClamped(grace).addingClamped(1)
    }

    /// Whether a record may pass; if so, it is noted.
    @usableFromInline
    func admit(_ id: UnsafeRawBufferPointer, at timestamp: Timestamp) throws -> Verdict {
        let time = timestamp.milliseconds
        streamTime.advance(to: time)
        rows.observe(streamTime.value)
        guard time >= streamTime.value.addingClamped(-grace) else { return .late }
        let interval = rows.interval
        let segment = time / interval
        let near = max(0, time.addingClamped(-duration))...time.addingClamped(duration)
        for other in near.lowerBound / interval...near.upperBound / interval {
            guard let overlay = rows.existingOverlay(at: other * interval, held: true),
                let times = try overlay.get(bytes(id, other))?.value
            else { continue }
            if times.contains(in: near) { return .duplicate }
        }
        guard let overlay = rows.overlay(at: time, held: true) else { return .late }
        let slot = try overlay.slot(of: bytes(id, segment))
        var times = overlay.row(slot).value ?? SeenTimes(first: time)
        if times.first != time { times.more.append(time) }
        overlay.write(times, timestamp, slot: slot)
        return .new
    }

    @usableFromInline var byteCount: Int { rows.byteCount }
    @usableFromInline var hasUncommittedRows: Bool { rows.hasUncommittedRows }
    @usableFromInline var canSaveLater: Bool { true }
    @usableFromInline var unsavedBytes: Int { rows.unsavedBytes }
    @usableFromInline var savesSorted: Bool { true }

    @usableFromInline
    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try rows.commit(to: changelog, batch: batch)
    }

    @usableFromInline
    func save(to entries: any SortedEntries, _ batch: any ByteStoreBatch) throws {
        try rows.save(to: entries, batch)
    }

    @usableFromInline
    func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        guard key.count >= 8, let value else { throw damaged("a row has no segment or no times") }
        let last = try SeenTimes.serde.read(value).last
        guard last >= 0, last / rows.interval == key.loadBigEndian(at: key.count - 8) else {
            throw damaged(
                "a row is of time \(last), which is not in its segment; the deduplication was longer or shorter when it was written")
        }
        try rows.restore(key, value, timestamp, at: last, batch: batch)
    }

    @usableFromInline
    func finishRestoring(batch: (any ByteStoreBatch)?) throws {
        try rows.finishRestoring(batch: batch)
    }

    @usableFromInline
    func trim(to limit: Int) {
        rows.trim(to: limit)
    }

    private func bytes(_ id: UnsafeRawBufferPointer, _ segment: Int64) -> UnsafeRawBufferPointer {
        key.removeAll()
        key.append(id)
        key.append(bigEndian: segment)
        return key.bytes
    }

    private func damaged(_ what: String) -> MillraceError {
        MillraceError(
            .corruption,
            "The changelog of \(name) does not fit the deduplication: \(what). Give the store another name, or delete its changelog topic and the state directory; what was seen is then forgotten."
        )
    }
}

/// The times of one id in one segment: nearly always one, which then needs no memory besides the row.
struct SeenTimes {
    var first: Int64
    var more: [Int64] = []

    var last: Int64 { max(first, more.max() ?? first) }

    func contains(in range: ClosedRange<Int64>) -> Bool {
        range.contains(first) || more.contains { range.contains($0) }
    }

    static let serde = Serde<SeenTimes>(
        "times",
        write: { times, buffer in
            buffer.append(bigEndian: times.first)
            for time in times.more { buffer.append(bigEndian: time) }
        },
        read: { bytes in
            guard bytes.count >= 8, bytes.count % 8 == 0 else {
                throw MillraceError(.serialization, "\(bytes.count) bytes are not a list of times")
            }
            return SeenTimes(
                first: bytes.loadBigEndian(), more: stride(from: 8, to: bytes.count, by: 8).map { bytes.loadBigEndian(at: $0) })
        })
}

extension StoreDeclaration {
    /// The store of a deduplication; times in milliseconds.
    @usableFromInline
    static func seen(_ store: Materialized, name: String, isPersistent: Bool, duration: Int64, grace: Int64) -> StoreDeclaration {
        StoreDeclaration(
            name, isLogged: store.isLogged,
            changelogSettings: store.windowedChangelogSettings(retention: SeenStore.retention(duration, grace)),
            payload: StorePayload(isPersistent: isPersistent) { site in
                try SeenStore(
                    name: site.name, duration: duration, grace: grace, backing: site.backing,
                    streamTime: site.task.observedTime(of: site.name))
            })
    }
}
