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
/// assertion that ends the process. And the table's properties are taken apart before their checksum is looked at: where the highest bit of the number of restarts at their end is set,
/// they are taken for a block with a hash index, which has the same end.
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
        if bytes[0] == 0 { return "\(file) says that it is without checksums" }
        guard let index = block(bytes[1..<41], in: descriptor, length), let properties = place(of: "rocksdb.properties", in: index),
            let last = block(properties, in: descriptor, length)?.last
        else { return nil }
        return last >= 0x80 ? "the properties of \(file) say that they have a hash index" : nil
    }

    /// Reads the block that a handle (place and length, as varints) stands for; `nil` when that cannot be, which RocksDB finds by a checksum.
    private static func block(_ handle: ArraySlice<UInt8>, in descriptor: Int32, _ length: off_t) -> [UInt8]? {
        var rest = handle
        guard let start = varint(&rest), let count = varint(&rest), count > 0, count <= 1 << 20, start <= Int(length) - count else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: count)
        return pread(descriptor, &bytes, count, off_t(start)) == count ? bytes : nil
    }

    /// What stands behind a name in the index of a table's other blocks.
    private static func place(of name: String, in index: [UInt8]) -> ArraySlice<UInt8>? {
        let name = Array(name.utf8)
        guard index.count > name.count else { return nil }
        return (0..<(index.count - name.count)).first { index[$0..<($0 + name.count)].elementsEqual(name) }.map {
            index[($0 + name.count)...]
        }
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        var number = 0
        for shift in stride(from: 0, to: 56, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            number |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return number }
        }
        return nil
    }
}
