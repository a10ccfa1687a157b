import MillraceCore

/// What a journal says, read from its file once at the start.
struct JournalRecovery {
    var partitions: [PartitionKey: PartitionMark] = [:]
    var groups: [String: [PartitionKey: CommittedOffset]] = [:]
    var sequence: UInt64 = 0
    /// Where the last entry ends that counts; what follows was torn off in the middle of a commit.
    var end = 0
    var syncedPosition = 0
    var firstEntryLength = 0
    /// The partitions that commits wrote to of which the journal does not say that they are on the disk, and the base offset of the first segment that was written to.
    var unsynced: [PartitionKey: Int64] = [:]
    /// The bytes after `end` that do not count.
    var tornBytes = 0

    /// Reads the journal.
    ///
    /// - Parameter accept: Called, before it is applied, with each entry that had not been synced when the journal was last written to; when it returns false the entry and all after it do not count.
    /// - Throws: `MillraceError` of kind `corruption` when an entry is damaged that had been on the disk: then commits would be lost in silence.
    init(_ bytes: UnsafeRawBufferPointer, path: String, accept: (_ entry: JournalEntry, _ state: JournalRecovery) throws -> Bool) throws {
        let synced = JournalRecovery.lastSyncedPosition(bytes)
        while end < bytes.count {
            guard let frame = JournalFrame(startOf: UnsafeRawBufferPointer(rebasing: bytes[end...])),
                end == 0 || frame.sequence == sequence + 1
            else { break }
            if end >= synced, end > 0, try !accept(frame.entry, self) { break }
            if end >= synced { noteUnsynced(frame.entry) }
            apply(frame.entry)
            sequence = frame.sequence
            end += frame.length
            if firstEntryLength == 0 { firstEntryLength = frame.length }
        }
        guard end > 0, end >= synced else {
            throw MillraceError(
                .corruption,
                "The journal \(path) is damaged at byte \(end), although it was on the disk up to byte \(max(synced, end)). Restore the directory from a backup. Without one, cutting the file there (truncate -s \(end)) goes back to the commits before, and loses all that came after."
            )
        }
        syncedPosition = max(synced, firstEntryLength)
        tornBytes = bytes.count - end
    }

    private mutating func noteUnsynced(_ entry: JournalEntry) {
        for (key, _) in entry.partitions where unsynced[key] == nil { unsynced[key] = partitions[key]?.segmentBase ?? 0 }
    }

    private mutating func apply(_ entry: JournalEntry) {
        for (key, mark) in entry.partitions { partitions[key] = mark }
        for mark in entry.groups { groups[mark.group, default: [:]][mark.partition] = mark.offset }
    }

    /// The highest synced position that any valid entry of the file tells of, entries behind a damaged one included: they prove that what is damaged once was whole.
    private static func lastSyncedPosition(_ bytes: UnsafeRawBufferPointer) -> Int {
        var synced = 0
        var place = 0
        while place + JournalFrame.headerLength <= bytes.count {
            if let frame = JournalFrame(startOf: UnsafeRawBufferPointer(rebasing: bytes[place...])) {
                synced = max(synced, min(frame.syncedPosition, bytes.count))
                place += frame.length
            } else {
                place += 1
            }
        }
        return synced
    }
}
