import MillraceCore
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
        var highest: UInt32 = 0
        let cursor = try StateDirectory.catalogueKey("s").withUnsafeBytes { lower in
            try StateDirectory.catalogueKey("t").withUnsafeBytes { try database.cursor(from: lower, to: $0) }
        }
        while try cursor.next() { highest = max(highest, cursor.value.count == 4 ? cursor.value.loadBigEndian() : 0) }
        nextNumber = Mutex(highest + 1)
    }

    /// How far a store partition is along its changelog, and which topic that was.
    struct Position: Equatable {
        var offset: Offset
        var topic: TopicID
    }

    /// The place of a store partition's rows, given out at its first use.
    func backing(store: String, partition: Partition) throws -> Backing {
        let key = StateDirectory.catalogueKey("s\(partition)/\(store)")
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
        let value = ByteBuffer()
        value.append(bigEndian: position.offset.value)
        value.append(bigEndian: position.topic.high)
        value.append(bigEndian: position.topic.low)
        StateDirectory.positionKey(backing).withUnsafeBytes { batch.put($0, value.bytes) }
    }

    /// Deletes all rows of a store partition and its position.
    func wipe(_ backing: Backing) throws {
        let batch = database.makeBatch()
        let end = BackingCursor.successor(of: backing.prefix) ?? [255, 255, 255, 255]
        backing.prefix.withUnsafeBytes { lower in end.withUnsafeBytes { batch.deleteRange(from: lower, to: $0) } }
        StateDirectory.positionKey(backing).withUnsafeBytes { batch.delete($0) }
        try database.write(batch)
    }

    private static func catalogueKey(_ name: String) -> [UInt8] {
        [0, 0, 0, 0] + Array(name.utf8)
    }

    private static func positionKey(_ backing: Backing) -> [UInt8] {
        catalogueKey("p") + backing.prefix
    }
}
