import MillraceCore
import MillraceRocksDB

extension ByteStore {
    func put(_ key: String, _ value: String) throws {
        let batch = makeBatch()
        Array(key.utf8).withUnsafeBytes { key in Array(value.utf8).withUnsafeBytes { batch.put(key, $0) } }
        try write(batch)
    }

    func text(_ key: String) throws -> String? {
        let buffer = ByteBuffer()
        guard try Array(key.utf8).withUnsafeBytes({ try get($0, into: buffer) }) else { return nil }
        return String(decoding: buffer.bytes, as: UTF8.self)
    }
}

extension SortedWriter {
    func put(_ key: String, _ value: String) throws {
        try Array(key.utf8).withUnsafeBytes { key in try Array(value.utf8).withUnsafeBytes { try put(key, $0) } }
    }
}
