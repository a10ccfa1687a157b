import MillraceCore

/// What the catalogue says of places beside their positions.
extension StateDirectory {
    /// Since when a place has not been used; `nil` when it is, or nobody has noticed yet.
    func unusedSince(_ backing: Backing) throws -> Timestamp? {
        let value = ByteBuffer()
        guard try unusedKey(backing).withUnsafeBytes({ try database.get($0, into: value) }), value.count == 8 else { return nil }
        return Timestamp(milliseconds: value.bytes.loadBigEndian())
    }

    func noteUnused(_ backing: Backing, since time: Timestamp) throws {
        let value = ByteBuffer()
        value.append(bigEndian: time.milliseconds)
        let batch = database.makeBatch()
        unusedKey(backing).withUnsafeBytes { batch.put($0, value.bytes) }
        try database.write(batch)
    }

    func noteUsed(_ backing: Backing) throws {
        guard try unusedSince(backing) != nil else { return }
        let batch = database.makeBatch()
        unusedKey(backing).withUnsafeBytes { batch.delete($0) }
        try database.write(batch)
    }

    /// Removes a store partition from the directory: its rows, its position, its place.
    func remove(_ store: String, _ partition: Partition, _ backing: Backing) throws {
        try wipe(backing)
        let batch = database.makeBatch()
        StateDirectory.placeKey(store, partition).withUnsafeBytes { batch.delete($0) }
        unusedKey(backing).withUnsafeBytes { batch.delete($0) }
        try database.write(batch)
    }

    /// The topology that the directory was last used with, as text; `nil` before the first.
    func topologyRecord() throws -> String? {
        let value = ByteBuffer()
        guard try StateDirectory.catalogueKey("d").withUnsafeBytes({ try database.get($0, into: value) }) else { return nil }
        return String(decoding: value.bytes, as: UTF8.self)
    }

    func setTopologyRecord(_ text: String) throws {
        let batch = database.makeBatch()
        StateDirectory.catalogueKey("d").withUnsafeBytes { key in Array(text.utf8).withUnsafeBytes { batch.put(key, $0) } }
        // Not flushed: rows of this topology that survive a crash were written after it, and so it does, too.
        try database.write(batch)
    }

    private func unusedKey(_ backing: Backing) -> [UInt8] { StateDirectory.catalogueKey("u") + backing.prefix }
}
