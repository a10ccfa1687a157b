import CRocksDB
import MillraceCore

/// Turns the texts that RocksDB reports into errors that say what to do.
enum RocksDBFailure {
    /// The text in `error`, if any, which is given back to RocksDB.
    static func text(taking error: inout UnsafeMutablePointer<CChar>?) -> String? {
        guard let characters = error else { return nil }
        defer { rocksdb_free(characters) }
        error = nil
        return String(cString: characters)
    }

    static func whileOpening(_ path: String, _ text: String) -> MillraceError {
        if text.contains("LOCK") && (text.contains("lock hold") || text.contains("While lock file")) {
            return MillraceError(
                .fenced,
                "the state directory \(path) is in use by another process, or by another store of this one. "
                    + "Stop that one, or give each app a directory of its own. (RocksDB: \(text))")
        }
        // A database that was once complete misses files only if somebody or something removed them.
        if text.hasPrefix("Corruption") || text.contains("No such file") { return corruption(path, text) }
        return MillraceError(
            .store, "could not open the state directory \(path); check that it is writable and that its disk has room. (RocksDB: \(text))")
    }

    static func whileWorking(_ path: String, _ action: String, _ text: String) -> MillraceError {
        if text.hasPrefix("Corruption") {
            // RocksDB opens such a directory as if nothing were wrong, so the next opening has to be told.
            StateDirectory.markDamaged(path)
            return corruption(path, text)
        }
        if text.contains("No space left") {
            return MillraceError(.store, "could not \(action): the disk of \(path) is full. Make room and start again. (RocksDB: \(text))")
        }
        return MillraceError(.store, "could not \(action) in \(path). (RocksDB: \(text))")
    }

    static func corruption(_ path: String, _ text: String) -> MillraceError {
        MillraceError(
            .corruption,
            "the state in \(path) is damaged. Delete that directory while the app is stopped: everything in it is rebuilt from the changelog topics at the next start. "
                + "(RocksDB: \(text))")
    }
}
