import MillraceCore

/// A value that a key had in the past, from its start up to its end, which does not belong to it. No value: the key had none.
@usableFromInline
struct Version<Value> {
    @usableFromInline let start: Int64
    @usableFromInline let end: Int64
    @usableFromInline let value: Value?

    @inlinable
    init(start: Int64, end: Int64, value: Value?) {
        self.start = start
        self.end = end
        self.value = value
    }
}

/// The past values of a versioned store.
///
/// Each version is a row of its own, found by its key and its end; the row's time is the version's start. Ends decide when a version is forgotten, so that a value which was
/// valid for long is kept as long as somebody may ask for it. The versions of a key do not overlap. Between them there may be gaps, in which the key had no value.
///
/// A key that has no value at present ends with a version whose end is the time of the deletion: the value it had before, or else an empty version that starts where it ends.
///
/// Kafka keeps all versions of a key in a segment in one row, which is read and written whole (`RocksDBVersionedStoreSegmentValueFormatter`); here a put in order writes one row
/// and reads none.
@usableFromInline
final class VersionHistory<Value> {
    @usableFromInline let rows: SegmentedOverlay<Past>
    @usableFromInline let key = ByteBuffer()
    @usableFromInline let limit = ByteBuffer()

    /// What a row holds: a value, or that there was none.
    @usableFromInline
    struct Past {
        @usableFromInline let value: Value?

        @inlinable
        init(value: Value?) {
            self.value = value
        }
    }

    @inlinable
    init(_ value: Serde<Value>, retention: Int64, backing: Backing?) throws {
        rows = try SegmentedOverlay(
            serde: Past.serde(value), retention: retention, interval: Self.segmentInterval(retention), backing: backing)
    }

    /// The highest time of a put, -1 before the first.
    @inlinable var time: Int64 { rows.time }
    @usableFromInline var byteCount: Int { rows.byteCount }
    @usableFromInline var hasUncommittedRows: Bool { rows.hasUncommittedRows }
    @usableFromInline var unsavedBytes: Int { rows.unsavedBytes }

    @inlinable
    func observe(_ time: Int64) {
        rows.observe(time)
    }

    /// Adds a version that no other one overlaps. Its row is not looked up first.
    @inlinable
    func add(_ version: Version<Value>, to key: UnsafeRawBufferPointer) {
        rows.overlay(at: version.end)?.put(
            row(of: key, version.end), Past(value: version.value), Timestamp(milliseconds: version.start))
    }

    /// Puts a value into the past of a key: before a version that starts later, or in the middle of one, which then ends where the value starts.
    ///
    /// - Parameter latest: When the latest value of the key starts; `nil` when it has none.
    /// - Returns: The end of the new version; `nil`, with nothing done, when no version and no latest value starts or ends later.
    @inlinable
    func insert(_ value: Value?, at time: Int64, before latest: Int64?, to key: UnsafeRawBufferPointer) throws -> Int64? {
        guard let found = try firstVersion(of: key, endingAfter: time) else {
            if let latest { add(Version(start: time, end: latest, value: value), to: key) }
            return latest
        }
        guard found.start <= time else {
            add(Version(start: time, end: found.start, value: value), to: key)
            return found.start
        }
        if found.start < time { add(Version(start: found.start, end: time, value: found.value), to: key) }
        add(Version(start: time, end: found.end, value: value), to: key)
        return found.end
    }

    /// Notes that a key without a value, present or later, was deleted at a time.
    @inlinable
    func markEnd(at time: Int64, of key: UnsafeRawBufferPointer) throws {
        guard let overlay = rows.overlay(at: time), try overlay.get(row(of: key, time)) == nil else { return }
        add(Version(start: time, end: time, value: nil), to: key)
    }

    /// The first version of a key whose end is later than a time: the one of that time, if any is.
    @inlinable
    func firstVersion(of key: UnsafeRawBufferPointer, endingAfter time: Int64) throws -> Version<Value>? {
        guard time < .max else { return nil }
        let lower = row(of: key, max(0, time + 1))
        limit.removeAll()
        limit.append(UnsafeRawBufferPointer(rebasing: lower.dropLast(8)))
        limit.append(bigEndian: UInt64.max)
        let upper = limit.bytes
        var found: Version<Value>?
        try rows.forEachSegment(from: max(0, time + 1), to: .max) { overlay in
            try overlay.forEach(from: lower, to: upper) { bytes, row in
                found = Version(
                    start: row.timestamp.milliseconds, end: bytes.loadBigEndian(at: bytes.count - 8), value: row.value?.value)
                return false
            }
            return found == nil
        }
        return found
    }

    @usableFromInline
    func commit(to batch: (any ByteStoreBatch)?) throws {
        try rows.commit(to: { _, _, _, _ in }, batch: batch)
    }

    @usableFromInline
    func trim(to limit: Int) {
        rows.trim(to: limit)
    }

    /// The key of a row: the length of the key, so that no key is the beginning of another's rows, the key, and the end of the version. Valid until the next call.
    @inlinable
    func row(of key: UnsafeRawBufferPointer, _ end: Int64) -> UnsafeRawBufferPointer {
        self.key.removeAll()
        self.key.append(bigEndian: UInt32(truncatingIfNeeded: key.count))
        self.key.append(key)
        self.key.append(bigEndian: end)
        return self.key.bytes
    }

    /// How much time the rows that are forgotten together span: Kafka's choice.
    @usableFromInline
    static func segmentInterval(_ retention: Int64) -> Int64 {
        switch retention {
        case ...60_000: max(retention / 3, 2_000)
        case ...300_000: max(retention / 5, 20_000)
        case ...3_600_000: max(retention / 12, 60_000)
        default: max(retention / 24, 300_000)
        }
    }
}

extension VersionHistory.Past {
    /// A byte that says whether there was a value, and the value.
    @inlinable
    static func serde(_ value: Serde<Value>) -> Serde<VersionHistory<Value>.Past> {
        Serde<VersionHistory<Value>.Past>(
            "past \(value.name)",
            write: { past, buffer in
                buffer.append(past.value == nil ? 0 : 1)
                if let present = past.value { _ = try value.write(present, to: buffer) }
            },
            read: { bytes in
                switch bytes.first {
                case 0: return VersionHistory<Value>.Past(value: nil)
                case 1: return VersionHistory<Value>.Past(value: try value.read(UnsafeRawBufferPointer(rebasing: bytes.dropFirst())))
                default:
                    throw damagedVersion()
                }
            })
    }
}

@usableFromInline
func damagedVersion() -> MillraceError {
    MillraceError(
        .corruption,
        "A row of the history of a versioned store begins with neither 0 nor 1. Delete the state directory: it will be rebuilt from the changelog."
    )
}
