import MillraceCore

extension File {
    /// All that the file holds.
    func contents(_ path: String, maximum: Int) throws -> [UInt8] {
        let size = try size()
        guard size <= maximum else {
            throw MillraceError(.corruption, "\(path) is \(size) bytes long, and \(maximum) is the most that it can be.")
        }
        var read = 0
        let bytes = try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            read = try self.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
            count = read
        }
        return bytes
    }
}
