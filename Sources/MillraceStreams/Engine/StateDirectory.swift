import MillraceCore
import MillracePlan
import Synchronization

/// The one database of an app's persistent stores: which part of it belongs to which store and partition, and how far each is along its changelog.
///
/// Every key begins with four bytes, big-endian: 0 for this catalogue, else the number of a store partition. A store partition's rows and its changelog position are
/// written in one batch, so that the database never claims more, or less, than it holds.
final class StateDirectory: Sendable {
    let database: any ByteStore
    private let nextNumber: Mutex<UInt32>

    init(_ database: any ByteStore) throws {
        self.database = database
        nextNumber = Mutex(1)
        let highest: UInt32 = try places().map { place in place.backing.prefix.withUnsafeBytes { $0.loadBigEndian() } }.max() ?? 0
        nextNumber.withLock { $0 = highest + 1 }
    }

    /// How far a store partition is along its changelog, and which topic that was.
    struct Position: Equatable {
        var offset: Offset
        var topic: TopicID
    }

    /// The place of a store partition's rows, given out at its first use.
    func backing(store: String, partition: Partition) throws -> Backing {
        let key = StateDirectory.placeKey(store, partition)
        let value = ByteBuffer()
        let found = try key.withUnsafeBytes { try database.get($0, into: value) }
        if found, value.count == 4 { return Backing(store: database, prefix: Array(value.bytes)) }
        let number = nextNumber.withLock { next in
            defer { next += 1 }
            return next
        }
        value.removeAll()
        value.append(bigEndian: number)
        let batch = database.makeBatch()
        key.withUnsafeBytes { batch.put($0, value.bytes) }
        try database.write(batch)
        return Backing(store: database, prefix: Array(value.bytes))
    }

    func position(of backing: Backing) throws -> Position? {
        let value = ByteBuffer()
        guard try StateDirectory.positionKey(backing).withUnsafeBytes({ try database.get($0, into: value) }), value.count == 24 else {
            return nil
        }
        return Position(
            offset: Offset(value.bytes.loadBigEndian()),
            topic: TopicID(high: value.bytes.loadBigEndian(at: 8), low: value.bytes.loadBigEndian(at: 16)))
    }

    func setPosition(_ position: Position, of backing: Backing, in batch: any ByteStoreBatch) {
        let row = StateDirectory.positionRow(position, of: backing)
        row.key.withUnsafeBytes { key in row.value.withUnsafeBytes { batch.put(key, $0) } }
    }

    /// What is written for a position. The key comes before those of all stores' rows.
    static func positionRow(_ position: Position, of backing: Backing) -> (key: [UInt8], value: [UInt8]) {
        let value = ByteBuffer()
        value.append(bigEndian: position.offset.value)
        value.append(bigEndian: position.topic.high)
        value.append(bigEndian: position.topic.low)
        return (positionKey(backing), Array(value.bytes))
    }

    /// Deletes all rows of a store partition and its position.
    func wipe(_ backing: Backing) throws {
        // Deleting the range of a store that is new would still cost each reader a look at the deletion.
        let isEmpty = try BackingCursor(backing, from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil, reversed: false).key == nil
        if try isEmpty && position(of: backing) == nil { return }
        let batch = database.makeBatch()
        let end = BackingCursor.successor(of: backing.prefix) ?? [255, 255, 255, 255]
        backing.prefix.withUnsafeBytes { lower in end.withUnsafeBytes { batch.deleteRange(from: lower, to: $0) } }
        StateDirectory.positionKey(backing).withUnsafeBytes { batch.delete($0) }
        try database.write(batch)
    }

    /// How far the tasks are whose state is here: the sums of the offsets of their stores.
    func positions(in topology: PhysicalTopology) throws -> [TaskID: Int64] {
        var subtopologies: [String: Int] = [:]
        for subtopology in topology.subtopologies {
            for store in subtopology.stores { subtopologies[store.stateName] = subtopology.id }
        }
        var positions: [TaskID: Int64] = [:]
        for place in try places() {
            guard let subtopology = subtopologies[place.store], let position = try position(of: place.backing) else { continue }
            positions[TaskID(subtopology: subtopology, partition: place.partition), default: 0] += position.offset.value
        }
        return positions
    }

    /// The store partitions that have a place here.
    func places() throws -> [(store: String, partition: Partition, backing: Backing)] {
        let cursor = try StateDirectory.catalogueKey("s").withUnsafeBytes { lower in
            try StateDirectory.catalogueKey("t").withUnsafeBytes { try database.cursor(from: lower, to: $0) }
        }
        var places: [(store: String, partition: Partition, backing: Backing)] = []
        while try cursor.next() {
            let name = String(decoding: cursor.key.dropFirst(5), as: UTF8.self)
            guard let slash = name.firstIndex(of: "/"), let partition = Partition(name[..<slash]), cursor.value.count == 4 else { continue }
            places.append(
                (String(name[name.index(after: slash)...]), partition, Backing(store: database, prefix: Array(cursor.value))))
        }
        return places
    }

    /// What tells this directory from those of other processes, the same after a restart: made at its first use.
    func processID() throws -> TopicID {
        let key = StateDirectory.catalogueKey("i")
        let value = ByteBuffer()
        if try key.withUnsafeBytes({ try database.get($0, into: value) }), value.count == 16 {
            return TopicID(high: value.bytes.loadBigEndian(), low: value.bytes.loadBigEndian(at: 8))
        }
        // The one thing here that no seed decides: two processes must never take the same.
        var numbers = SystemRandomNumberGenerator()
        let id = TopicID(high: numbers.next(), low: numbers.next())
        value.removeAll()
        value.append(bigEndian: id.high)
        value.append(bigEndian: id.low)
        let batch = database.makeBatch()
        key.withUnsafeBytes { batch.put($0, value.bytes) }
        // Not flushed: whatever survives a crash, this does that was written before.
        try database.write(batch)
        return id
    }

    static func placeKey(_ store: String, _ partition: Partition) -> [UInt8] { catalogueKey("s\(partition)/\(store)") }

    static func catalogueKey(_ name: String) -> [UInt8] {
        [0, 0, 0, 0] + Array(name.utf8)
    }

    private static func positionKey(_ backing: Backing) -> [UInt8] {
        catalogueKey("p") + backing.prefix
    }
}
