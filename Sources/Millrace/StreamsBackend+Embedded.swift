import MillraceCore
import MillraceLog
import MillraceRocksDB
import MillraceStreams
import MillraceSystem

extension StreamsBackend {
    /// The embedded default: topics in a durable log under `path`, state in RocksDB beside them. Nothing to install or start.
    ///
    /// The log is in `path/log`, the state of each app in `path/state/APPLICATION-ID`. The state may be deleted: it is rebuilt from its changelogs at the next start.
    ///
    /// - Throws: `MillraceError` when the directory is in use by another process, or holds something else.
    public static func embedded(at path: String, options: EmbeddedLogOptions = EmbeddedLogOptions()) throws -> StreamsBackend {
        embedded(try EmbeddedLog.open(at: path + "/log", options: options), statePath: path + "/state")
    }

    /// An embedded log that is open already, for programs that also produce to it or read from it themselves.
    ///
    /// - Parameters:
    ///   - statePath: The directory that holds the state of each app, in a directory of the app's name.
    ///   - stateMemory: Bytes for the database's cache and write buffers; a quarter of `StreamsConfiguration.memoryBudget` when `nil`.
    public static func embedded(_ log: EmbeddedLog, statePath: String, stateMemory: Int? = nil) -> StreamsBackend {
        StreamsBackend(transport: log, clock: SystemClock(), openState: rocksDBState(in: statePath, memory: stateMemory))
    }

    /// Opens the state of an app in a directory of its name under `path`; a damaged database is made anew.
    package static func rocksDBState(in path: String, memory: Int?) -> @Sendable (String, Int, MillraceLogger) throws -> any ByteStore {
        { applicationID, share, logger in
            let path = path + "/" + applicationID
            let memory = memory ?? share
            do {
                return try RocksDBStore.open(at: path, memoryBudget: memory)
            } catch let error as MillraceError where error.kind == .corruption {
                logger.log(
                    .warning, "The local state is damaged and is removed; it will be rebuilt from its changelogs", ("directory", path),
                    ("error", error.message))
                try RocksDBStore.remove(at: path)
                return try RocksDBStore.open(at: path, memoryBudget: memory)
            }
        }
    }
}
