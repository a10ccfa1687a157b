import MillraceCore
import MillraceFormats

/// The one file whose last entry says what is committed, in all partitions and groups at once.
///
/// It starts with an entry that holds the whole state, and goes on with one for each commit. When it has grown too long it is written anew, in one step, with the
/// state of now at its start; so reading it at the start of the log takes a time that does not depend on how much the log holds.
///
/// Used under the log's writer lock.
final class Journal {
    static let fileName = "millrace.journal"
    /// The file is written anew when it is longer than this and twice its first entry.
    private static let rewriteAt = 4 << 20

    let path: String
    private let directory: String
    let fileSystem: any FileSystem
    private var file: any File
    private let buffer = ByteBuffer(capacity: 4096)
    private var sequence: UInt64
    private(set) var position: Int
    /// Up to here the journal and what it speaks of are on the disk.
    private(set) var syncedPosition: Int
    private var firstEntryLength: Int
    /// Grows when the file is written anew, so that a sync of the old file is not taken for one of the new.
    private(set) var generation = 0
    /// How far an observer has read.
    var followed = Followed()

    /// Takes over a journal that was recovered, or starts the first one with the state `initial`.
    init(_ fileSystem: any FileSystem, directory: String, recovered: JournalRecovery?) throws {
        self.fileSystem = fileSystem
        self.directory = directory
        path = directory + "/" + Journal.fileName
        if let recovered {
            file = try fileSystem.open(path, writable: true)
            if try file.size() > recovered.end { try file.truncate(to: recovered.end) }
            sequence = recovered.sequence
            position = recovered.end
            syncedPosition = recovered.syncedPosition
            firstEntryLength = recovered.firstEntryLength
        } else {
            sequence = 0
            position = 0
            syncedPosition = 0
            firstEntryLength = 0
            file = try Journal.write(JournalEntry(), sequence: 0, buffer, path, directory, fileSystem)
            adopt(length: buffer.count)
        }
    }

    /// A journal that another process writes: `follow` reads it, and nothing else may be called.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when there is none.
    init(observing directory: String, _ fileSystem: any FileSystem) throws {
        self.fileSystem = fileSystem
        self.directory = directory
        path = directory + "/" + Journal.fileName
        guard fileSystem.exists(path) else {
            throw MillraceError(
                .configuration, "There is no journal \(path): nothing was ever committed there, or the directory is not whole.")
        }
        file = try fileSystem.open(path, writable: false)
        sequence = 0
        position = 0
        syncedPosition = 0
        firstEntryLength = 0
    }

    /// Writes the entry of a commit. When it throws, the entry does not count, now or after a restart.
    func append(_ entry: JournalEntry) throws {
        buffer.removeAll()
        JournalFrame.encode(entry, sequence: sequence + 1, syncedPosition: syncedPosition, into: buffer)
        do {
            try file.write(buffer.bytes, at: position)
        } catch {
            try retract(to: position)
            throw error
        }
        sequence += 1
        position += buffer.count
    }

    /// Takes back what was written from `position` on. When even that fails nobody knows what a restart would find, and `isUncertain` says so.
    func retract(to position: Int) throws {
        isUncertain = true
        try file.truncate(to: position)
        isUncertain = false
        self.position = position
    }

    private(set) var isUncertain = false

    /// What a sync needs, to be done outside of the writer lock: the file, and what to tell `markSynced` afterwards.
    var syncPoint: (file: any File, position: Int, generation: Int) { (file, position, generation) }

    /// Notes that the journal and the data were on the disk up to `position` of that generation of the file.
    func markSynced(_ position: Int, generation: Int) {
        if generation == self.generation { syncedPosition = max(syncedPosition, position) }
    }

    var isDueForRewrite: Bool { position > Journal.rewriteAt && position > 2 * firstEntryLength }

    /// Starts the file anew with the whole state. The data that it speaks of must have been synced before.
    func rewrite(_ state: JournalEntry) throws {
        file = try Journal.write(state, sequence: sequence + 1, buffer, path, directory, fileSystem)
        sequence += 1
        adopt(length: buffer.count)
    }

    private func adopt(length: Int) {
        position = length
        syncedPosition = length
        firstEntryLength = length
        generation += 1
    }

    /// Writes a journal of one entry and puts it in place of the old one, if there is any.
    private static func write(
        _ state: JournalEntry, sequence: UInt64, _ buffer: ByteBuffer, _ path: String, _ directory: String, _ fileSystem: any FileSystem
    ) throws -> any File {
        buffer.removeAll()
        JournalFrame.encode(state, sequence: sequence, syncedPosition: 0, into: buffer)
        let temporary = path + ".new"
        let file = try fileSystem.open(temporary, writable: true)
        try file.truncate(to: 0)
        try file.write(buffer.bytes, at: 0)
        try file.sync()
        try fileSystem.rename(temporary, to: path)
        try fileSystem.syncDirectory(directory)
        return file
    }
}
