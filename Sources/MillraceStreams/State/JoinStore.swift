import MillraceCore

/// The records of one side of a join of two streams, for as long as records of the other side may be joined with them.
///
/// Asked for one thing only: the records of a key in a range of time. Every put adds a record, also for a key and time that are there already. Records are kept in segments of
/// time that are dropped whole, so what has become too old costs nothing.
///
/// A record too old to be found again still goes to the changelog, and so does a record without a value, as in Kafka Streams. Unlike there, the number of the last put
/// and the time up to which records have expired survive a restart: neither can a record take the place of another one, nor can one come back that was gone.
///
/// The disk gets records by the save, not by the commit: those of a short window are mostly gone by then, and never go there.
///
/// Kafka: a `WindowStore` that retains duplicates.
@usableFromInline
final class JoinStore<Value>: StateStore {
    /// A put since the last commit.
    @usableFromInline
    struct PendingPut {
        /// Where the key ends in `pendingKeys`; it begins where the one before ends.
        @usableFromInline let keyEnd: Int
        @usableFromInline let timestamp: Int64
        @usableFromInline let sequence: Int32
        @usableFromInline let value: Value?
        @usableFromInline let headers: Headers

        @inlinable
        init(keyEnd: Int, timestamp: Int64, sequence: Int32, value: Value?, headers: Headers) {
            self.keyEnd = keyEnd
            self.timestamp = timestamp
            self.sequence = sequence
            self.value = value
            self.headers = headers
        }
    }

    @usableFromInline let name: String
    @usableFromInline let serde: Serde<Value>
    @usableFromInline let retention: Int64
    /// The length of a segment. Half the retention, so that what is kept beyond it is half as much again, and a search meets three segments at most.
    @usableFromInline let interval: Int64
    @usableFromInline let nullsMoveTime: Bool
    @usableFromInline let disk: JoinStoreFiles?
    // Used by one task at a time, and no call out of here leads back into a put: exclusivity checks would only cost.
    /// Ordered by time.
    @exclusivity(unchecked) @usableFromInline var segments: ContiguousArray<JoinSegment<Value>> = []
    /// Segments before this one are gone from the disk.
    private var firstSegmentOnDisk: Int64 = 0
    /// The highest timestamp of a put.
    @exclusivity(unchecked) @usableFromInline var observedTime: Int64 = -1
    @exclusivity(unchecked) @usableFromInline var sequence: Int32 = 0
    @exclusivity(unchecked) @usableFromInline var pending: ContiguousArray<PendingPut> = []
    @usableFromInline let pendingKeys = ByteBuffer()
    @usableFromInline let scratchKey = ByteBuffer()
    @usableFromInline let scratch = ByteBuffer()
    /// Of values as bytes: roughly what a value holds outside of itself.
    @usableFromInline var averageValueSize = 16
    /// `writeChanges`, compiled for the type of the values where the store was declared; see `Overlay.commitRows`.
    private let writeChanges: (JoinStore, ChangelogSink) throws -> Void
    /// `forEachUnsaved`, likewise.
    private let forEachUnsaved: (JoinStore, JoinStoreFiles, RowSink) throws -> Void

    /// - Parameters:
    ///   - retention: How long records are kept, by the store's own time, which is the highest timestamp of a put.
    ///   - nullsMoveTime: Whether a put without a value counts for that time. Kafka's stores in memory and on disk differ in this.
    @inlinable
    convenience init(name: String, value: Serde<Value>, retention: Int64, nullsMoveTime: Bool, backing: Backing?) throws {
        try self.init(
            name, value, retention, nullsMoveTime, backing, writeChanges: { store, changelog in try store.writeChanges(to: changelog) },
            forEachUnsaved: { store, disk, put in try store.forEachUnsavedRecord(disk, put) })
    }

    @usableFromInline
    init(
        _ name: String, _ value: Serde<Value>, _ retention: Int64, _ nullsMoveTime: Bool, _ backing: Backing?,
        writeChanges: @escaping (JoinStore, ChangelogSink) throws -> Void,
        forEachUnsaved: @escaping (JoinStore, JoinStoreFiles, RowSink) throws -> Void
    ) throws {
        self.name = name
        self.writeChanges = writeChanges
        self.forEachUnsaved = forEachUnsaved
        serde = value
        self.retention = retention
        interval = max(retention / 2, 1000)
        self.nullsMoveTime = nullsMoveTime
        disk = backing.map(JoinStoreFiles.init)
        if let disk {
            if let state = try disk.state() { (observedTime, sequence) = (state.observedTime, state.sequence) }
            for id in try disk.segments() { segments.append(JoinSegment(id: id, isOnDisk: true)) }
            firstSegmentOnDisk = segments.first?.id ?? 0
        }
    }

    /// Adds a record; without a value only to the changelog.
    @inlinable
    func put(_ key: UnsafeRawBufferPointer, _ value: Value?, _ timestamp: Timestamp, headers: Headers) {
        let time = timestamp.milliseconds
        sequence = (sequence &+ 1) & .max
        pendingKeys.append(key)
        pending.append(
            PendingPut(keyEnd: pendingKeys.count, timestamp: time, sequence: sequence, value: value, headers: headers))
        guard value != nil || nullsMoveTime else { return }
        if time > observedTime { advance(to: time) }
        guard let value, isKept(time) else { return }
        let entry = JoinEntry(timestamp: time, sequence: sequence, isUnsaved: disk != nil, value: value)
        segment(of: time).insert(entry, key: key)
    }

    /// Calls `body` for each record of a key with a time in `from ... to`, in order of time and arrival.
    ///
    /// - Returns: Whether there was any.
    @inlinable
    func forEach(
        _ key: UnsafeRawBufferPointer, from: Int64, to: Int64, _ body: (Int64, Value) throws -> Void
    ) throws -> Bool {
        let from = max(from, firstKeptTime)
        guard from <= to else { return false }
        let (first, last) = (from / interval, to / interval)
        var found = false
        // By number, not by iterator: a body that puts a record elsewhere must not have to copy the list.
        var place = 0
        while place < segments.count {
            let segment = segments[place]
            place += 1
            guard segment.id >= first, segment.id <= last else { continue }
            if segment.isOnDisk, let disk {
                if try forEachMerged(segment, disk, key, from, to, body) { found = true }
                continue
            }
            guard let run = segment.run(of: key) else { continue }
            var index = run.firstIndex(from: from)
            while index < run.count {
                let entry = run[index]
                guard entry.timestamp <= to else { break }
                found = true
                try body(entry.timestamp, entry.value)
                index += 1
            }
        }
        return found
    }

    @usableFromInline var byteCount: Int {
        segments.reduce(pendingKeys.count) { $0 + $1.byteCount(averageValueSize: averageValueSize) }
            + pending.count * (MemoryLayout<PendingPut>.stride + averageValueSize)
    }

    @usableFromInline var hasUncommittedRows: Bool { !pending.isEmpty }
    @usableFromInline var canSaveLater: Bool { true }
    @usableFromInline var savesSorted: Bool { true }

    @usableFromInline var unsavedBytes: Int {
        disk == nil ? 0 : segments.reduce(0) { $0 + $1.unsavedSlots.count } * (averageValueSize + 48)
    }

    @usableFromInline
    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try writeChanges(self, changelog)
        guard let disk, let batch else { return }
        try forEachUnsaved(self, disk) { batch.put($0, $1) }
        try saveState(disk) { batch.put($0, $1) }
        deleteExpired(disk, batch)
    }

    @usableFromInline
    func save(to entries: any SortedEntries, _ batch: any ByteStoreBatch) throws {
        guard let disk else { return }
        try forEachUnsaved(self, disk) { try entries.put($0, $1) }
        try saveState(disk) { try entries.put($0, $1) }
        deleteExpired(disk, batch)
    }

    /// Sends what was put since the last commit to the changelog, in order.
    @inlinable
    func writeChanges(to changelog: ChangelogSink) throws {
        var start = 0
        for put in pending {
            let key = UnsafeRawBufferPointer(rebasing: pendingKeys.bytes[start..<put.keyEnd])
            start = put.keyEnd
            scratch.removeAll()
            var bytes: UnsafeRawBufferPointer?
            if let value = put.value, try serde.write(value, to: scratch) {
                bytes = scratch.bytes
                averageValueSize += (scratch.count - averageValueSize) / 16
            }
            scratchKey.removeAll()
            scratchKey.append(key)
            scratchKey.append(bigEndian: put.timestamp)
            scratchKey.append(bigEndian: put.sequence)
            try changelog(scratchKey.bytes, bytes, Timestamp(milliseconds: put.timestamp), put.headers)
        }
        pending.removeAll(keepingCapacity: true)
        pendingKeys.removeAll()
    }

    /// Calls `put` with key and value on disk of each record that has still to get there, in the order of the keys, and takes them for saved.
    @inlinable
    func forEachUnsavedRecord(_ disk: JoinStoreFiles, _ put: RowSink) throws {
        for segment in segments {
            try segment.save { key, entry in
                guard isKept(entry.timestamp) else { return }
                scratch.removeAll()
                guard try serde.write(entry.value, to: scratch) else { return }
                try put(disk.key(key, entry.timestamp, entry.sequence, segment: segment.id), scratch.bytes)
            }
        }
    }

    @usableFromInline
    func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        guard key.count >= 12 else {
            throw MillraceError(
                .corruption,
                "A key in the changelog of join store \(name) is \(key.count) bytes long, too short to end in a timestamp and a number.")
        }
        let time: Int64 = key.loadBigEndian(at: key.count - 12)
        let number: Int32 = key.loadBigEndian(at: key.count - 4)
        let key = UnsafeRawBufferPointer(rebasing: key[..<(key.count - 12)])
        guard time >= 0, number >= 0 else {
            throw MillraceError(.corruption, "A key in the changelog of join store \(name) ends in a negative timestamp or number.")
        }
        sequence = number
        if value != nil || nullsMoveTime { advance(to: time) }
        if let value, isKept(time) {
            if let disk, let batch {
                _ = makeSegment(time / interval, isOnDisk: true)
                batch.put(disk.key(key, time, number, segment: time / interval), value)
            } else {
                segment(of: time).insert(
                    JoinEntry(timestamp: time, sequence: number, value: try serde.read(value)), key: key)
            }
        }
    }

    @usableFromInline
    func finishRestoring(batch: (any ByteStoreBatch)?) throws {
        guard let disk, let batch else { return }
        try saveState(disk) { batch.put($0, $1) }
        deleteExpired(disk, batch)
    }

    @usableFromInline
    func trim(to limit: Int) {
        guard disk != nil, pending.isEmpty, segments.allSatisfy(\.unsavedSlots.isEmpty), byteCount > limit else { return }
        for segment in segments { segment.removeAll() }
    }

    /// Records before this time have expired.
    @inlinable var firstKeptTime: Int64 { max(0, (observedTime - retention).addingClamped(1)) }

    @inlinable
    func isKept(_ time: Int64) -> Bool { time > observedTime - retention }

    @usableFromInline
    func advance(to time: Int64) {
        guard time > observedTime else { return }
        observedTime = time
        let live = firstKeptTime / interval
        while let first = segments.first, first.id < live { segments.removeFirst() }
    }

    /// The segment of a time, which is made when it is not there.
    @inlinable
    func segment(of time: Int64) -> JoinSegment<Value> {
        let id = time / interval
        // Nearly all records belong into the youngest segment or the one before.
        var index = segments.count - 1
        while index >= 0, segments[index].id > id { index -= 1 }
        return index >= 0 && segments[index].id == id ? segments[index] : makeSegment(id, isOnDisk: false)
    }

    /// The segment of this number, which is made when it is not there.
    @usableFromInline
    func makeSegment(_ id: Int64, isOnDisk: Bool) -> JoinSegment<Value> {
        let index = segments.lastIndex { $0.id <= id }
        if let index, segments[index].id == id { return segments[index] }
        let segment = JoinSegment<Value>(id: id, isOnDisk: isOnDisk)
        segments.insert(segment, at: index.map { $0 + 1 } ?? 0)
        return segment
    }

    /// `forEach` for a segment of which some is on disk. One record after the other: there may be more than memory holds.
    @usableFromInline
    func forEachMerged(
        _ segment: JoinSegment<Value>, _ disk: JoinStoreFiles, _ key: UnsafeRawBufferPointer, _ from: Int64, _ to: Int64,
        _ body: (Int64, Value) throws -> Void
    ) throws -> Bool {
        let here = segment.run(of: key)
        let end = here?.count ?? 0
        var index = here?.firstIndex(from: from) ?? 0
        var found = false
        func takeHere(while condition: (JoinEntry<Value>) -> Bool) throws {
            while let here, index < end, here[index].timestamp <= to, condition(here[index]) {
                found = true
                try body(here[index].timestamp, here[index].value)
                index += 1
            }
        }
        try disk.forEach(key, segment: segment.id, from: from, to: to) { timestamp, sequence, value in
            try takeHere { ($0.timestamp, $0.sequence) < (timestamp, sequence) }
            // What is in both places is taken from memory, where it need not be read.
            if let here, index < end, here[index].timestamp == timestamp, here[index].sequence == sequence { return }
            found = true
            try body(timestamp, serde.read(value))
        }
        try takeHere { _ in true }
        return found
    }

    private func saveState(_ disk: JoinStoreFiles, _ put: RowSink) throws {
        try disk.save(.init(observedTime: observedTime, sequence: sequence), put)
    }

    private func deleteExpired(_ disk: JoinStoreFiles, _ batch: any ByteStoreBatch) {
        let live = firstKeptTime / interval
        guard live > firstSegmentOnDisk else { return }
        disk.delete(segments: firstSegmentOnDisk..<live, batch)
        firstSegmentOnDisk = live
    }
}
