import MillraceCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The directory around RocksDB's files.
enum StateDirectory {
    private static let bulkLoads = Atomic<UInt64>(0)

    /// Creates the directory, readable for its owner only, and looks whether what is in it can be a database.
    static func prepare(_ path: String) throws {
        try create(path)
        let names = try list(path)
        if names.contains(damageMark) { throw RocksDBFailure.corruption(path, "damage was met when it was last read") }
        // RocksDB would start a new, empty database without a word.
        if !names.contains("CURRENT"), let rest = names.first(where: { $0.hasSuffix(".sst") || $0.hasPrefix("MANIFEST-") }) {
            throw RocksDBFailure.corruption(path, "there is no CURRENT file beside \(rest)")
        }
        for name in names where name.hasSuffix(".sst") {
            if let fault = TableFooter.fault(of: path + "/" + name) { throw RocksDBFailure.corruption(path, fault) }
        }
    }

    /// Leaves word that damage was met, so that the directory is not opened again as if it were whole. Best effort: without the mark, reading meets the damage again.
    static func markDamaged(_ path: String) {
        let file = open(path + "/" + damageMark, O_WRONLY | O_CREAT, 0o600)
        if file >= 0 { close(file) }
    }

    private static let damageMark = "DAMAGED"

    /// Removes what a process that died while loading has left behind. Only for whoever holds RocksDB's lock.
    static func removeLeftovers(in path: String) throws {
        for name in try list(path) where name.hasPrefix(bulkLoadPrefix) { remove(path + "/" + name) }
    }

    /// Removes all files.
    static func removeAll(in path: String) throws {
        for name in try list(path) where name != "." && name != ".." {
            if unlink(path + "/" + name) != 0, errno != ENOENT {
                throw MillraceError(
                    .store, "could not remove \(name) from the state directory \(path): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// A name that no load of this process has used. RocksDB ignores such files in its directory, and the same file system lets it take them over without a copy.
    static func newBulkLoadFile(in path: String) throws -> String {
        let number = bulkLoads.add(1, ordering: .relaxed).newValue
        return "\(path)/\(bulkLoadPrefix)\(getpid())-\(number)"
    }

    /// Removes a file if it is there.
    static func remove(_ file: String) {
        unlink(file)
    }

    private static let bulkLoadPrefix = "bulk-load-"

    private static func create(_ path: String) throws {
        var parent = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            parent += part
            if !parent.isEmpty && mkdir(parent, 0o700) != 0 && errno != EEXIST && errno != EISDIR {
                let reason = String(cString: strerror(errno))
                throw MillraceError(.store, "could not create the state directory \(path): \(reason) at \(parent)")
            }
            parent += "/"
        }
    }

    private static func list(_ path: String) throws -> [String] {
        guard let directory = opendir(path) else {
            throw MillraceError(.store, "could not read the state directory \(path): \(String(cString: strerror(errno)))")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }
}
