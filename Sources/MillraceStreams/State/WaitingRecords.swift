import MillraceCore

/// The records of one side of an outer join that have not found a partner yet, in order of time, then key.
///
/// Those of one key and time stay together, in order of arrival. Whoever walks starts at the first that can be there, so what was released is never met again.
final class WaitingRecords<Value> {
    /// Records of one key and time.
    struct Group {
        let time: Int64
        /// The time in 8 bytes, then the key.
        let bytes: [UInt8]
        let values: [Value]
    }

    private let overlay: Overlay<[Value]>
    /// No record is earlier; `.max` when there is none at all.
    private(set) var firstTime: Int64
    private let key = ByteBuffer()

    /// - Parameter isLeft: Which side it is, as Kafka's formats note it with each record.
    init(_ value: Serde<Value>, isLeft: Bool, backing: Backing?) {
        let side: UInt8 = isLeft ? 1 : 0
        overlay = Overlay(
            serde: .waitingList(value, side: side),
            backing: backing.map { Backing(store: $0.store, prefix: $0.prefix + [side]) })
        firstTime = backing == nil ? .max : 0
    }

    var byteCount: Int { overlay.byteCount }
    var hasUncommittedRows: Bool { overlay.hasUncommittedRows }

    /// Adds a record.
    func add(_ recordKey: UnsafeRawBufferPointer, _ value: Value, at time: Int64) throws {
        let slot = try overlay.slot(of: bytes(time, recordKey))
        overlay.write((overlay.row(slot).value ?? []) + [value], Timestamp(milliseconds: time), slot: slot)
        firstTime = min(firstTime, time)
    }

    /// Removes all records of a key and time, if there are any.
    ///
    /// - Parameter now: The time of the record that is the reason.
    func remove(_ recordKey: UnsafeRawBufferPointer, at time: Int64, now: Timestamp) throws {
        guard time >= firstTime, try overlay.get(bytes(time, recordKey)) != nil else { return }
        overlay.put(key.bytes, nil, now)
    }

    /// Removes a group that was found.
    func remove(_ group: Group, now: Timestamp) {
        group.bytes.withUnsafeBytes { overlay.put($0, nil, now) }
    }

    /// Up to `limit` groups from a place on, in order, as long as they are earlier than `end`.
    func groups(from place: Place, before end: Int64, limit: Int) throws -> [Group] {
        guard firstTime < end else { return [] }
        let lower = place.bytes ?? WaitingRecords.bytes(of: firstTime)
        // Times are not negative, so the byte after `.max` is not reached by any.
        let upper = end == .max ? [0x80] : WaitingRecords.bytes(of: end)
        var groups: [Group] = []
        try lower.withUnsafeBytes { lower in
            try upper.withUnsafeBytes { upper in
                guard KeyTable.precedes(lower, upper) else { return }
                try overlay.forEach(from: lower, to: upper) { key, row in
                    groups.append(try WaitingRecords.group(key, row))
                    return groups.count < limit
                }
            }
        }
        return groups
    }

    /// The time of the last record.
    func lastTime() throws -> Int64? {
        guard firstTime < .max else { return nil }
        var time: Int64?
        try WaitingRecords.bytes(of: firstTime).withUnsafeBytes { lower in
            try overlay.forEach(from: lower, to: nil, reversed: true) { key, row in
                time = try WaitingRecords.group(key, row).time
                return false
            }
        }
        return time
    }

    /// Notes that nothing is left before a time.
    func clear(before time: Int64) {
        firstTime = max(firstTime, time)
    }

    /// Hands over what changed, with the key's time and the rest of the key apart.
    func commit(
        batch: (any ByteStoreBatch)?, _ body: (Int64, UnsafeRawBufferPointer, UnsafeRawBufferPointer?, Timestamp) throws -> Void
    ) throws {
        try overlay.commit(batch: batch) { key, value, timestamp, _ in
            try body(key.loadBigEndian(), UnsafeRawBufferPointer(rebasing: key[8...]), value, timestamp)
        }
    }

    func restore(
        _ recordKey: UnsafeRawBufferPointer, at time: Int64, _ value: UnsafeRawBufferPointer?, _ timestamp: Timestamp,
        batch: (any ByteStoreBatch)?
    ) throws {
        try overlay.restore(bytes(time, recordKey), value, timestamp, batch: batch)
        firstTime = min(firstTime, time)
    }

    func trim(to limit: Int) {
        overlay.trim(to: limit)
    }

    /// Where a walk begins.
    struct Place {
        /// `nil`: at the first record that can be there.
        fileprivate let bytes: [UInt8]?

        static var start: Place { Place(bytes: nil) }
        static func time(_ time: Int64) -> Place { Place(bytes: WaitingRecords.bytes(of: time)) }
        static func after(_ group: Group) -> Place { Place(bytes: group.bytes + [0]) }
    }

    private static func bytes(of time: Int64) -> [UInt8] {
        withUnsafeBytes(of: time.bigEndian) { Array($0) }
    }

    private static func group(_ key: UnsafeRawBufferPointer, _ row: Row<[Value]>) throws -> Group {
        guard key.count >= 8 else {
            throw MillraceError(
                .corruption,
                "The local state of an outer join is damaged: a key is \(key.count) bytes long. Delete the state directory: it will be rebuilt from the changelog."
            )
        }
        return Group(time: key.loadBigEndian(), bytes: Array(key), values: row.value ?? [])
    }

    /// Time and key, valid until the next call.
    private func bytes(_ time: Int64, _ recordKey: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        key.removeAll()
        key.append(bigEndian: time)
        key.append(recordKey)
        return key.bytes
    }
}

extension Serde {
    /// The values of waiting records of one key and time: `01`, their number, and for each its length, its side and itself. The length counts the side.
    ///
    /// Kafka: a `ListSerde` of `LeftOrRightValue`.
    fileprivate static func waitingList<Element>(_ element: Serde<Element>, side: UInt8) -> Serde<[Element]> where Value == [Element] {
        Serde(
            "list of \(element.name)",
            write: { values, buffer in
                buffer.append(1)
                buffer.append(bigEndian: Int32(values.count))
                for value in values {
                    let start = buffer.count
                    buffer.append(bigEndian: Int32(0))
                    buffer.append(side)
                    _ = try element.write(value, to: buffer)
                    let length = Int32(buffer.count - start - 4)
                    buffer.mutableBytes.storeBytes(of: length.bigEndian, toByteOffset: start, as: Int32.self)
                }
            },
            read: { bytes in
                guard bytes.count >= 5 else { throw MillraceError(.serialization, "\(bytes.count) bytes are too few for a list") }
                let count: Int32 = bytes.loadBigEndian(at: 1)
                var values: [Element] = []
                var index = 5
                for _ in 0..<max(0, count) {
                    guard index + 5 <= bytes.count else { throw MillraceError(.serialization, "a list ends before its last entry") }
                    let length = Int(bytes.loadBigEndian(at: index) as Int32)
                    guard length >= 1, index + 4 + length <= bytes.count else {
                        throw MillraceError(.serialization, "an entry of a list claims \(length) bytes, more than there are")
                    }
                    values.append(
                        try element.read(UnsafeRawBufferPointer(rebasing: bytes[(index + 5)..<(index + 4 + length)])))
                    index += 4 + length
                }
                return values
            })
    }
}
