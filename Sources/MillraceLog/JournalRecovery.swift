import MillraceCore

/// What a journal says, read from its file once at the start.
struct JournalRecovery {
    var partitions: [PartitionKey: PartitionMark] = [:]
    var groups: [String: [PartitionKey: CommittedOffset]] = [:]
    var producers = ProducerStates()
    /// Of the partitions that are written to after `syncedPosition`: the segment from which on files may not have been synced.
    var unsyncedFrom: [PartitionKey: Int64] = [:]
    var sequence: UInt64 = 0
    /// Where the last entry ends that counts; what follows was torn off in the middle of a commit.
    var end = 0
    var syncedPosition = 0
    var firstEntryLength = 0
    /// The bytes after `end` that do not count.
    var tornBytes = 0

    /// Reads the journal.
    ///
    /// - Parameters:
    ///   - accept: Called, before it is applied, with each entry that had not been synced when the journal was last written to; when it returns false the entry and all after it do not count.
    ///   - closedLength: How long the journal was when the log was closed; `nil` when it was not, or nobody knows.
    ///   - isInOrder: Whether all that was written is there, so that at most the end of the last entry is missing. After a failure of power it may be otherwise.
    /// - Throws: `MillraceError` of kind `corruption` when an entry is damaged that had been on the disk: then commits would be lost in silence.
    init(
        _ bytes: UnsafeRawBufferPointer, path: String, closedLength: Int? = nil, isInOrder: Bool = false,
        accept: (_ entry: JournalEntry, _ state: JournalRecovery) throws -> Bool
    ) throws {
        let synced = max(JournalRecovery.lastSyncedPosition(bytes), closedLength ?? 0)
        while end < bytes.count {
            guard let frame = JournalFrame(startOf: UnsafeRawBufferPointer(rebasing: bytes[end...])),
                end == 0 || frame.sequence == sequence + 1
            else { break }
            if end >= synced, end > 0, try !accept(frame.entry, self) { break }
            if end >= max(synced, firstEntryLength), end > 0 { noteUnsynced(frame.entry) }
            apply(frame.entry)
            sequence = frame.sequence
            end += frame.length
            if firstEntryLength == 0 { firstEntryLength = frame.length }
        }
        guard end > 0 else { throw JournalRecovery.lost(path) }
        guard end >= synced, !isInOrder || isCutOff(UnsafeRawBufferPointer(rebasing: bytes[end...])) else {
            throw JournalRecovery.damaged(path, at: end)
        }
        syncedPosition = max(synced, firstEntryLength)
        tornBytes = bytes.count - end
    }

    private mutating func apply(_ entry: JournalEntry) {
        for (key, mark) in entry.partitions { partitions[key] = mark }
        for mark in entry.groups { groups[mark.group, default: [:]][mark.partition] = mark.offset }
        for name in entry.producerNames { producers.apply(name) }
        for mark in entry.producers { producers.apply(mark) }
    }

    private mutating func noteUnsynced(_ entry: JournalEntry) {
        for (key, _) in entry.partitions where unsyncedFrom[key] == nil { unsyncedFrom[key] = partitions[key]?.segmentBase ?? 0 }
    }

    private static func lost(_ path: String) -> MillraceError {
        MillraceError(
            .corruption,
            "The journal \(path) is damaged in its first entry, without which nobody knows what was committed. Restore the directory from a backup. Without one, \"millrace log dump --records\" still shows what the .log files of the partitions hold, to be produced into a new log."
        )
    }

    /// Whether what is left is the beginning of an entry, which is what a process leaves that is killed while it writes.
    private func isCutOff(_ rest: UnsafeRawBufferPointer) -> Bool {
        guard rest.count >= JournalFrame.headerLength else { return true }
        let payloadLength = Int(rest.loadBigEndian(at: 4, as: UInt32.self))
        return rest.loadBigEndian(at: 0, as: UInt32.self) == JournalFrame.magic && payloadLength > rest.count - JournalFrame.headerLength
    }

    static func damaged(_ path: String, at end: Int) -> MillraceError {
        let directory = path.dropLast(Journal.fileName.utf8.count)
        return MillraceError(
            .corruption,
            "The journal \(path) is damaged at byte \(end), where it was whole once. Restore the directory from a backup. Without one, go back to the commits before the damage, which loses all that came after: truncate -s \(end) \(path) && rm \(directory)\(DataDirectory.lockFile)"
        )
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
