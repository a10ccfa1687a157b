import MillraceCore
import MillraceSystem

/// The files of segments that are open: at most so many, however many segments there are. One that was not used for long is closed, and opened again when it is needed.
///
/// A file that waits for a sync is closed only when nearly all do. Its sync then opens it again; the system keeps what was written, and reports a failure to write it to
/// whoever syncs the file first.
final class OpenFiles: @unchecked Sendable {
    /// What is known of one file. All of it belongs to the monitor.
    fileprivate final class Entry {
        let path: String
        let writable: Bool
        var file: (any File)?
        var place = -1
        var wasUsed = true
        var waitsForSync = false
        var isDeleted = false

        init(_ path: String, writable: Bool) {
            self.path = path
            self.writable = writable
        }
    }

    let fileSystem: any FileSystem
    private let limit: Int
    private let monitor = Monitor()
    private var open: [Entry] = []
    private var hand = 0

    /// - Parameter limit: How many files may be open at once; at least one is.
    init(_ fileSystem: any FileSystem, limit: Int) {
        self.fileSystem = fileSystem
        self.limit = max(1, limit)
    }

    /// How many files are open, without those that are kept open.
    var count: Int { monitor.locked { open.count } }

    /// A file by its path, made when it is missing.
    ///
    /// - Throws: `MillraceError` of kind `transport` when it cannot be opened now.
    func file(_ path: String) throws -> SegmentFileHandle {
        let entry = Entry(path, writable: true)
        _ = try file(of: entry)
        return SegmentFileHandle(entry, self)
    }

    fileprivate func file(of entry: Entry) throws -> any File {
        try monitor.locked {
            entry.wasUsed = true
            if let file = entry.file { return file }
            guard !entry.isDeleted else { throw MillraceError(.transport, "\(entry.path) was deleted with its topic.") }
            if open.count >= limit { closeOne() }
            let file = try fileSystem.open(entry.path, writable: entry.writable)
            entry.file = file
            entry.place = open.count
            open.append(entry)
            return file
        }
    }

    /// Takes a file out of the count and leaves it open.
    fileprivate func keepOpen(_ entry: Entry) throws -> any File {
        let file = try file(of: entry)
        monitor.locked {
            remove(entry)
            entry.file = file
        }
        return file
    }

    fileprivate func close(_ entry: Entry) {
        monitor.locked {
            remove(entry)
            entry.file = nil
        }
    }

    fileprivate func noteDeletion(of entry: Entry) {
        monitor.locked { entry.isDeleted = true }
    }

    fileprivate func isDeleted(_ entry: Entry) -> Bool {
        monitor.locked { entry.isDeleted }
    }

    fileprivate func note(_ entry: Entry, waitsForSync: Bool) {
        monitor.locked { entry.waitsForSync = waitsForSync }
    }

    /// Closes the file that was not used for the longest time, more or less, and does not wait for a sync if there is any such.
    private func closeOne() {
        for step in 0..<3 * open.count {
            hand = (hand + 1) % open.count
            let entry = open[hand]
            if entry.wasUsed {
                entry.wasUsed = false
            } else if !entry.waitsForSync || step >= 2 * open.count {
                remove(entry)
                entry.file = nil
                return
            }
        }
    }

    private func remove(_ entry: Entry) {
        guard entry.place >= 0, let last = open.last else { return }
        open[entry.place] = last
        last.place = entry.place
        open.removeLast()
        entry.place = -1
    }
}

/// A file that is open when it is used. See `OpenFiles`.
final class SegmentFileHandle: File, @unchecked Sendable {
    private let entry: OpenFiles.Entry
    private let files: OpenFiles

    fileprivate init(_ entry: OpenFiles.Entry, _ files: OpenFiles) {
        self.entry = entry
        self.files = files
    }

    deinit {
        files.close(entry)
    }

    /// Keeps the file open until this is let go: it is about to lose its name, and whoever still reads it must not find another file under that.
    ///
    /// - Throws: `MillraceError` of kind `transport` when it cannot be opened now.
    func keepOpen() throws {
        _ = try files.keepOpen(entry)
    }

    /// Must be called before the file goes with its whole topic: from now on it is not opened, and so made, anew. Who uses it in that moment is told, and a sync does nothing.
    func noteDeletion() {
        files.noteDeletion(of: entry)
    }

    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        try files.file(of: entry).read(into: target, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        // Afterwards, as only then there is something to sync.
        defer { files.note(entry, waitsForSync: true) }
        try files.file(of: entry).write(bytes, at: offset)
    }

    func truncate(to size: Int) throws {
        try files.file(of: entry).truncate(to: size)
    }

    func size() throws -> Int {
        try files.file(of: entry).size()
    }

    func sync() throws {
        if files.isDeleted(entry) { return }
        files.note(entry, waitsForSync: false)
        do {
            try files.file(of: entry).sync()
        } catch  where files.isDeleted(entry) {
            // It was deleted in this moment.
        }
    }
}
