import MillraceCore

extension NodeAssembly {
    /// Sends on the records whose key, or id under their key, has not come before.
    ///
    /// - Parameters:
    ///   - id: Appends a record's id to the buffer, which has the key already; `false` for a record without one, which passes. `nil`: the key is the id.
    @inlinable
    func deduplicate<Key, Value>(
        key keySerde: Serde<Key>, store: String, id: ((Record<Key, Value>, ByteBuffer) throws -> Bool)?
    ) throws -> NodeInput {
        let seen: SeenStore = try task.store(store)
        let output = try output(Key.self, Value.self)
        let site = self.site
        let buffer = ByteBuffer()
        return NodeInput { (record: Record<Key, Value>) in
            buffer.removeAll()
            // Two ids under two keys must not have the same bytes: the length of the key tells them apart.
            if id != nil { buffer.append(bigEndian: Int32(0)) }
            guard try keySerde.write(record.key, to: buffer) else { return site.drop(.nullKey) }
            if let id {
                buffer.mutableBytes.storeBytes(of: Int32(buffer.count - 4).bigEndian, as: Int32.self)
                let hasID: Bool
                do { hasID = try id(record, buffer) } catch { throw site.failure(error) }
                guard hasID else { return try output.send(record) }
            }
            switch try seen.admit(buffer.bytes, at: record.timestamp) {
            case .new: try output.send(record)
            case .duplicate: site.drop(.duplicate)
            case .late: site.drop(.late)
            }
        }
    }
}
