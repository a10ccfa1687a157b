import MillraceCore
import MillracePlan

/// The timers of a processor: one time for each key and name, and the order of all of them by time.
///
/// Two kinds of rows: `00`, length of the key (4 bytes), key, name, with the time as value; and `01`, time (8 bytes), length of the key, key, name, which lie in the order in
/// which timers fire. Both are in the changelog, so neither needs to be made anew. Setting, cancelling and firing cost a step in each, however many timers there are.
final class TimerStore<Key>: StateStore {
    let name: String
    private let overlay: Overlay<Int64>
    private let keySerde: Serde<Key>
    private let task: TaskContext
    private let rowKey = ByteBuffer()
    private let timeKey = ByteBuffer()
    /// No timer is earlier; `nil` when there is none.
    private var firstTime: Int64? = 0

    init(name: String, key: Serde<Key>, backing: Backing?, task: TaskContext) {
        self.name = name
        keySerde = key
        overlay = Overlay(serde: .bigEndian, backing: backing)
        self.task = task
    }

    /// Sets the timer of a key and name, or moves it; `nil` takes it away.
    ///
    /// - Returns: The time that it was set to.
    @discardableResult
    func set(_ key: Key, _ name: String, to time: Int64?) throws -> Int64? {
        let time = time.map { max(0, $0) }
        let old = try self.time(of: key, name)
        guard time != old else { return old }
        let now = max(task.timestamp, 0)
        if let old { overlay.put(timeBytes(old), nil, now) }
        overlay.put(rowKey.bytes, time, now)
        if let time {
            overlay.put(timeBytes(time), 0, now)
            firstTime = min(firstTime ?? time, time)
        }
        return old
    }

    /// The time that the timer of a key and name is set to. Leaves the row's key in `rowKey`.
    func time(of key: Key, _ name: String) throws -> Int64? {
        rowKey.removeAll()
        rowKey.append(0)
        rowKey.append(bigEndian: Int32(0))
        guard try keySerde.write(key, to: rowKey) else {
            throw MillraceError(.processing, "A timer of \(self.name) was asked for without a key. Timers belong to keys.", task: task.id)
        }
        rowKey.mutableBytes.storeBytes(of: Int32(rowKey.count - 5).bigEndian, toByteOffset: 1, as: Int32.self)
        rowKey.append(utf8: name)
        return try overlay.get(rowKey.bytes)?.value
    }

    /// The time of the timer that is due first; of those due at the same time, the first by length and bytes of the key, then by name.
    func nextTime() throws -> Int64? {
        try next { _ in }
        return firstTime
    }

    /// Takes out the first timer if it is due.
    func removeNext(dueAt now: Int64) throws -> KeyTimer<Key>? {
        guard let earliest = firstTime, earliest <= now else { return nil }
        var found: [UInt8]?
        try next { found = Array($0) }
        guard let found, let firstTime, firstTime <= now else { return nil }
        return try found.withUnsafeBytes { bytes in
            let time = max(task.timestamp, 0)
            overlay.put(bytes, nil, time)
            // The same row, without the time.
            rowKey.removeAll()
            rowKey.append(0)
            rowKey.append(UnsafeRawBufferPointer(rebasing: bytes[9...]))
            overlay.put(rowKey.bytes, nil, time)
            return try timer(bytes)
        }
    }

    var byteCount: Int { overlay.byteCount }
    var hasUncommittedRows: Bool { overlay.hasUncommittedRows }
    var canSaveLater: Bool { true }

    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try overlay.commit(batch: batch, changelog)
    }

    func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        try overlay.restore(key, value, timestamp, batch: batch)
        firstTime = 0
    }

    func trim(to limit: Int) {
        overlay.trim(to: limit)
    }

    /// Brings `firstTime` up to the first timer, and shows the row's key. The walk starts where the last one ended, so that timers which are gone are not met again.
    private func next(_ body: (UnsafeRawBufferPointer) -> Void) throws {
        guard let earliest = firstTime else { return }
        timeKey.removeAll()
        timeKey.append(1)
        timeKey.append(bigEndian: earliest)
        let lower = Array(timeKey.bytes)
        var first: Int64?
        try lower.withUnsafeBytes { lower in
            try overlay.forEach(from: lower, to: nil) { bytes, _ in
                guard bytes.count >= 13 else { throw damaged }
                first = bytes.loadBigEndian(at: 1)
                body(bytes)
                return false
            }
        }
        firstTime = first
    }

    private func timer(_ bytes: UnsafeRawBufferPointer) throws -> KeyTimer<Key> {
        let length = Int(bytes.loadBigEndian(at: 9) as Int32)
        guard length >= 0, length <= bytes.count - 13,
            let name = String(validating: bytes[(13 + length)...], as: UTF8.self)
        else { throw damaged }
        return KeyTimer(
            key: try keySerde.read(UnsafeRawBufferPointer(rebasing: bytes[13..<(13 + length)])), name: name,
            time: Timestamp(milliseconds: bytes.loadBigEndian(at: 1)))
    }

    /// The place of `rowKey`'s timer among all, by time.
    private func timeBytes(_ time: Int64) -> UnsafeRawBufferPointer {
        timeKey.removeAll()
        timeKey.append(1)
        timeKey.append(bigEndian: time)
        timeKey.append(UnsafeRawBufferPointer(rebasing: rowKey.bytes[1...]))
        return timeKey.bytes
    }

    private var damaged: MillraceError {
        MillraceError(
            .corruption, "A row of timer store \(name) is damaged. Delete the state directory: it will be rebuilt from the changelog.",
            task: task.id)
    }
}

extension StoreBuilder {
    /// Timers of a processor, one for each key and name, see `ProcessorContext.timers`.
    ///
    ///     .timers("reminders", key: .string)
    ///
    /// Kafka Streams has nothing like it: a processor there walks over a store in a punctuation.
    public static func timers<Key>(_ store: Materialized, key: Serde<Key>) -> StoreBuilder {
        StoreBuilder(
            declaration: StoreDeclaration(
                store.name ?? "", isLogged: store.isLogged,
                changelogSettings: store.changelogSettings(beside: ["cleanup.policy": "compact"]),
                payload: StorePayload(isPersistent: store.kind != .inMemory) { site in
                    TimerStore(name: site.name, key: key, backing: site.backing, task: site.task)
                }))
    }
}
