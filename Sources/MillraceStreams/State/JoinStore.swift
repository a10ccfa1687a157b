import MillraceCore

/// The records of one side of a join of two streams, for as long as records of the other side may be joined with them.
///
/// Asked for one thing only: the records of a key in a range of time. Every put adds a record, also for a key and time that are there already. Records are kept in segments of
/// time that are dropped whole, so what has become too old costs nothing.
///
/// A record too old to be found again still goes to the changelog, and so does a record without a value, as in Kafka Streams. Unlike there, the number of the last put
/// and the time up to which records have expired survive a restart: neither can a record take the place of another one, nor can one come back that was gone.
///
/// Kafka: a `WindowStore` that retains duplicates.
final class JoinStore<Value>: StateStore {
    /// A put since the last commit.
    private struct PendingPut {
        /// Where the key ends in `pendingKeys`; it begins where the one before ends.
        let keyEnd: Int
        let timestamp: Int64
        let sequence: Int32
        let value: Value?
        let headers: Headers
    }

    let name: String
    private let serde: Serde<Value>
    private let retention: Int64
    /// The length of a segment. Half the retention, so that what is kept beyond it is half as much again, and a search meets three segments at most.
    private let interval: Int64
    private let nullsMoveTime: Bool
    private let disk: JoinStoreFiles?
    /// Ordered by time.
    private var segments: ContiguousArray<JoinSegment<Value>> = []
    /// Segments before this one are gone from the disk.
    private var firstSegmentOnDisk: Int64 = 0
    /// The highest timestamp of a put.
    private var observedTime: Int64 = -1
    private var sequence: Int32 = 0
    private var pending: ContiguousArray<PendingPut> = []
    private let pendingKeys = ByteBuffer()
    private let scratchKey = ByteBuffer()
    private let scratch = ByteBuffer()

    /// - Parameters:
    ///   - retention: How long records are kept, by the store's own time, which is the highest timestamp of a put.
    ///   - nullsMoveTime: Whether a put without a value counts for that time. Kafka's stores in memory and on disk differ in this.
    init(name: String, value: Serde<Value>, retention: Int64, nullsMoveTime: Bool, backing: Backing?) throws {
        self.name = name
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
    func put(_ key: UnsafeRawBufferPointer, _ value: Value?, _ timestamp: Timestamp, headers: Headers) {
        let time = timestamp.milliseconds
        sequence = (sequence &+ 1) & .max
        pendingKeys.append(key)
        pending.append(
            PendingPut(keyEnd: pendingKeys.count, timestamp: time, sequence: sequence, value: value, headers: headers))
        guard value != nil || nullsMoveTime else { return }
        advance(to: time)
        guard let value, isKept(time) else { return }
        segment(of: time, isOnDisk: false).insert(JoinEntry(timestamp: time, sequence: sequence, value: value), key: key)
    }

    /// Calls `body` for each record of a key with a time in `from ... to`, in order of time and arrival.
    ///
    /// - Returns: Whether there was any.
    func forEach(
        _ key: UnsafeRawBufferPointer, from: Int64, to: Int64, _ body: (Int64, Value) throws -> Void
    ) throws -> Bool {
        let from = max(from, firstKeptTime)
        guard from <= to else { return false }
        let (first, last) = (from / interval, to / interval)
        var found = false
        for segment in segments where segment.id >= first && segment.id <= last {
            let run = try segment.isOnDisk ? merged(segment, key, from, to) : segment.run(of: key)
            var index = run.firstIndex(fromThereOn: { $0.timestamp >= from })
            while index < run.count, run[index].timestamp <= to {
                found = true
                try body(run[index].timestamp, run[index].value)
                index += 1
            }
        }
        return found
    }

    var byteCount: Int {
        segments.reduce(pendingKeys.count) { $0 + $1.byteCount } + pending.count * MemoryLayout<PendingPut>.stride
    }

    var hasUncommittedRows: Bool { !pending.isEmpty }

    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        guard !pending.isEmpty else { return }
        var start = 0
        for put in pending {
            let key = UnsafeRawBufferPointer(rebasing: pendingKeys.bytes[start..<put.keyEnd])
            start = put.keyEnd
            scratch.removeAll()
            let value = try put.value.flatMap { try serde.write($0, to: scratch) ? scratch.bytes : nil }
            scratchKey.removeAll()
            scratchKey.append(key)
            scratchKey.append(bigEndian: put.timestamp)
            scratchKey.append(bigEndian: put.sequence)
            try changelog(scratchKey.bytes, value, Timestamp(milliseconds: put.timestamp), put.headers)
            if let disk, let batch, let value, isKept(put.timestamp) {
                disk.put(key, put.timestamp, put.sequence, segment: put.timestamp / interval, value, batch)
            }
        }
        pending.removeAll(keepingCapacity: true)
        pendingKeys.removeAll()
        if let disk, let batch { saveState(disk, batch) }
    }

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
                _ = segment(of: time, isOnDisk: true)
                disk.put(key, time, number, segment: time / interval, value, batch)
            } else {
                segment(of: time, isOnDisk: false).insert(
                    JoinEntry(timestamp: time, sequence: number, value: try serde.read(value)), key: key)
            }
        }
        if let disk, let batch { saveState(disk, batch) }
    }

    func trim(to limit: Int) {
        guard disk != nil, pending.isEmpty, byteCount > limit else { return }
        for segment in segments { segment.removeAll() }
    }

    /// Records before this time have expired.
    private var firstKeptTime: Int64 { max(0, (observedTime - retention).addingClamped(1)) }

    private func isKept(_ time: Int64) -> Bool { time > observedTime - retention }

    private func advance(to time: Int64) {
        guard time > observedTime else { return }
        observedTime = time
        let live = firstKeptTime / interval
        while let first = segments.first, first.id < live { segments.removeFirst() }
    }

    /// The segment of a time, which is made when it is not there.
    private func segment(of time: Int64, isOnDisk: Bool) -> JoinSegment<Value> {
        let id = time / interval
        let index = segments.lastIndex { $0.id <= id }
        if let index, segments[index].id == id { return segments[index] }
        let segment = JoinSegment<Value>(id: id, isOnDisk: isOnDisk)
        segments.insert(segment, at: index.map { $0 + 1 } ?? 0)
        return segment
    }

    private func merged(_ segment: JoinSegment<Value>, _ key: UnsafeRawBufferPointer, _ from: Int64, _ to: Int64) throws
        -> JoinSegment<Value>.Run
    {
        let here = segment.run(of: key)
        guard let disk else { return here }
        var merged = JoinSegment<Value>.Run()
        var index = here.firstIndex(fromThereOn: { $0.timestamp >= from })
        try disk.forEach(key, segment: segment.id, from: from, to: to) { timestamp, sequence, value in
            while index < here.count, (here[index].timestamp, here[index].sequence) < (timestamp, sequence) {
                merged.append(here[index])
                index += 1
            }
            // What is in both places is taken from memory, where it need not be read.
            if index < here.count, here[index].timestamp == timestamp, here[index].sequence == sequence { return }
            merged.append(JoinEntry(timestamp: timestamp, sequence: sequence, value: try serde.read(value)))
        }
        merged.append(contentsOf: here[index...])
        return merged
    }

    private func saveState(_ disk: JoinStoreFiles, _ batch: any ByteStoreBatch) {
        disk.save(.init(observedTime: observedTime, sequence: sequence), batch)
        let live = firstKeptTime / interval
        guard live > firstSegmentOnDisk else { return }
        disk.delete(segments: firstSegmentOnDisk..<live, batch)
        firstSegmentOnDisk = live
    }
}
