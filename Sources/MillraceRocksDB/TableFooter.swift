#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The end of a RocksDB table: 53 bytes, which no checksum covers before version 6 of the format.
///
///     type of checksum (1)  two block handles (40)  version of the format (4, little-endian)  magic number (8)
///
/// A bit that turns over in the version makes RocksDB take blocks apart by other rules, after their checksums have been found right. What it finds then can be anything, down to an
/// assertion that ends the process.
enum TableFooter {
    /// The version that tables are written in; see `RocksDBSettings`.
    static let version: Int32 = 5
    private static let size = 53
    private static let magic: [UInt8] = [0xF7, 0xCF, 0xF4, 0x85, 0xB7, 0x41, 0xE2, 0x88]

    /// What is wrong with the end of a table; `nil` when nothing is seen, or the file has no whole end: one that was being written when the process died, which the manifest does not
    /// name, or one that RocksDB itself refuses.
    static func fault(of file: String) -> String? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let length = lseek(descriptor, 0, SEEK_END)
        guard length >= size else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        guard pread(descriptor, &bytes, size, length - off_t(size)) == size, Array(bytes[45...]) == magic else { return nil }
        let written = bytes[41..<45].reversed().reduce(Int32(0)) { $0 << 8 | Int32($1) }
        if written != version { return "\(file) says that it is a table of version \(written), not \(version)" }
        return bytes[0] == 0 ? "\(file) says that it is without checksums" : nil
    }
}
