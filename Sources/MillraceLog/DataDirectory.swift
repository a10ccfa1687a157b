import MillraceCore

/// The directory of a log: it is ours, in a format we know, and no other process writes to it.
final class DataDirectory {
    static let formatFile = "millrace.format"
    static let lockFile = "millrace.lock"
    static let format = "millrace log 1\n"

    let path: String
    private var lock: (any File)?
    private let fileSystem: any FileSystem
    /// Whether what was written last may not have reached the disk: the log was not closed, and the machine has started anew since, or nobody knows.
    let mayHaveLostUnsyncedData: Bool
    /// How long the journal was when the log was closed; `nil` when it was not, or the note of it cannot be read.
    let closedJournalLength: Int?
    /// Whether it is only looked at.
    let isObserved: Bool

    /// Makes the directory when it is missing, or takes it over.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when another process has it, or it holds something else.
    init(_ path: String, _ fileSystem: any FileSystem) throws {
        self.path = path
        self.fileSystem = fileSystem
        isObserved = false
        try DataDirectory.make(path, fileSystem)
        let names = try fileSystem.list(path)
        if !names.contains(DataDirectory.formatFile),
            let stranger = names.first(where: { !$0.hasPrefix(DataDirectory.formatFile) && $0 != DataDirectory.lockFile })
        {
            throw MillraceError(
                .configuration,
                "\(path) is not the directory of a Millrace log, but holds other things, such as \(stranger). Choose an empty or a new directory."
            )
        }
        let lockPath = path + "/" + DataDirectory.lockFile
        guard let lock = try fileSystem.openLocked(lockPath) else {
            let note = try fileSystem.contents(of: lockPath, maximum: 4096).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let holder = note.split(separator: "\n").first.map { " (\($0))" } ?? ""
            throw MillraceError(
                .configuration,
                "\(path) is in use by another process\(holder). Only one process can write to a log: stop the other, or choose another directory."
            )
        }
        self.lock = lock
        let note = String(decoding: try lock.contents(lockPath, maximum: 4096), as: UTF8.self)
        closedJournalLength = DataDirectory.closedJournalLength(note: note)
        mayHaveLostUnsyncedData = DataDirectory.mayHaveLostData(note: note, boot: fileSystem.bootIdentity)
        try checkFormat(isNew: !names.contains(DataDirectory.formatFile))
    }

    /// Makes a directory and those above it that are missing, so that they are still there after a failure of power.
    private static func make(_ path: String, _ fileSystem: any FileSystem) throws {
        guard !fileSystem.exists(path) else { return }
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        try make(parent, fileSystem)
        try fileSystem.makeDirectory(path)
        try fileSystem.syncDirectory(parent)
    }

    /// Looks at a directory that belongs to another process, without touching it.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when there is no log in it.
    init(observing path: String, _ fileSystem: any FileSystem) throws {
        self.path = path
        self.fileSystem = fileSystem
        isObserved = true
        mayHaveLostUnsyncedData = false
        let note = try fileSystem.contents(of: path + "/" + DataDirectory.lockFile, maximum: 4096) ?? []
        closedJournalLength = DataDirectory.closedJournalLength(note: String(decoding: note, as: UTF8.self))
        guard fileSystem.exists(path + "/" + DataDirectory.formatFile) else {
            throw MillraceError(
                .configuration,
                "There is no log in \(path): the file \(DataDirectory.formatFile) is missing. Give the directory that the app writes to.")
        }
        try checkFormat(isNew: false)
    }

    private func checkFormat(isNew: Bool) throws {
        let file = path + "/" + DataDirectory.formatFile
        if isNew { return try fileSystem.replace(file, with: DataDirectory.format, in: path) }
        let found = try fileSystem.contents(of: file, maximum: 4096).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard found == DataDirectory.format else {
            let shown = found.prefix(60).split(whereSeparator: \.isNewline).joined(separator: " ")
            throw MillraceError(
                .configuration,
                "\(file) says \"\(shown)\" where this version of Millrace writes \"\(DataDirectory.format.dropLast())\". If another version of Millrace wrote the directory, open it with that one; otherwise the file is damaged: restore it from a backup."
            )
        }
    }

    /// Lets other processes have the directory.
    func unlock() {
        lock = nil
    }

    /// Notes who has the directory, and under which run of the system. Only when the log has been recovered: a process that dies before must leave the next one to ask whether anything was lost.
    func markOpen() throws {
        try writeNote("open")
    }

    /// Notes that everything is on the disk, and how long the journal is, so that damage at its end is not taken for a commit that was under way.
    func markClosed(journalLength: Int) throws {
        // Twice, as this file has no checksum.
        try writeNote("closed\njournal \(journalLength) \(journalLength)")
    }

    private static func closedJournalLength(note: String) -> Int? {
        let lines = note.split(separator: "\n")
        guard lines.count == 4, lines[2] == "closed" else { return nil }
        let words = lines[3].split(separator: " ")
        guard words.count == 3, words[0] == "journal", words[1] == words[2], let length = Int(words[1]), length >= 0 else { return nil }
        return length
    }

    private func writeNote(_ state: String) throws {
        let text = "process \(fileSystem.processID)\nboot \(fileSystem.bootIdentity ?? "unknown")\n\(state)\n"
        guard let lock else { return }
        try lock.truncate(to: 0)
        try Array(text.utf8).withUnsafeBytes { try lock.write($0, at: 0) }
        try lock.sync()
    }

    private static func mayHaveLostData(note: String, boot: String?) -> Bool {
        let lines = note.split(separator: "\n")
        guard lines.count >= 3 else { return true }
        if lines[2] == "closed" { return false }
        guard let boot else { return true }
        return lines[1] != "boot \(boot)"
    }
}
