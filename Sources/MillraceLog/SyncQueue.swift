import MillraceCore
import MillraceSystem

/// The files that were written and not yet synced.
///
/// A failed sync is remembered for good: the system forgets what it could not write, so a second try that succeeds proves nothing.
final class SyncQueue: @unchecked Sendable {
    private let fileSystem: any FileSystem

    // Under the log's writer lock. What a background sync is busy with stays in `underWay`, so that a sync in the foreground does not rely on it.
    private var waiting: [ObjectIdentifier: Segment] = [:]
    private var waitingDirectories: Set<String> = []
    private var underWay: [ObjectIdentifier: Segment] = [:]
    private var directoriesUnderWay: Set<String> = []

    /// Held while syncing, inside of the writer lock or without it, never around it.
    private let syncing = Monitor()
    private var failure: (any Error)?

    init(_ fileSystem: any FileSystem) {
        self.fileSystem = fileSystem
    }

    /// Notes a file that was written to, and the directory when the file is new in it. Under the writer lock.
    func add(_ segment: Segment, newIn directory: String?) {
        waiting[ObjectIdentifier(segment)] = segment
        if let directory { waitingDirectories.insert(directory) }
    }

    /// Syncs all that waits or is under way. Under the writer lock.
    func syncAll() throws {
        try sync(Array(waiting.merging(underWay) { first, _ in first }.values), waitingDirectories.union(directoriesUnderWay))
        waiting.removeAll()
        waitingDirectories.removeAll()
    }

    /// Takes what waits, to be synced by `work` outside of the writer lock and settled by `finishBackground` under it again. Under the writer lock.
    func beginBackground() -> (_ journal: any File) throws -> Void {
        underWay = waiting
        directoriesUnderWay = waitingDirectories
        waiting.removeAll()
        waitingDirectories.removeAll()
        let segments = Array(underWay.values)
        let directories = directoriesUnderWay
        return { journal in
            try self.sync(segments, directories)
            try self.sync(journal)
        }
    }

    /// Under the writer lock.
    func finishBackground() {
        underWay.removeAll()
        directoriesUnderWay.removeAll()
    }

    /// Syncs the journal, after the data that it speaks of.
    func sync(_ journal: any File) throws {
        try guarded { try journal.sync() }
    }

    private func sync(_ segments: [Segment], _ directories: Set<String>) throws {
        try guarded {
            // In one order, so that a simulated failure is found again.
            for segment in segments.sorted(by: { $0.path < $1.path }) { try segment.file.sync() }
            for directory in directories.sorted() { try sync(directory) }
        }
    }

    private func sync(_ directory: String) throws {
        do {
            try fileSystem.syncDirectory(directory)
        } catch {
            // It went with its topic, maybe in this moment.
            guard !fileSystem.exists(directory) else { throw error }
        }
    }

    private func guarded(_ body: () throws -> Void) throws {
        try syncing.locked {
            if let failure { throw failure }
            do {
                try body()
            } catch {
                failure = error
                throw error
            }
        }
    }
}
