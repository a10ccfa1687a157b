import MillraceCore

/// Reading a journal that another process writes.
extension Journal {
    /// What the journal says that it did not say before.
    struct News {
        var partitions: [PartitionKey: PartitionMark] = [:]
        var groups: [GroupMark] = []
        /// Whether it is all that there is, and not only what is new.
        var isWhole: Bool
    }

    /// Where reading goes on, and how to tell that the file is still the one that was read.
    struct Followed {
        var end = 0
        var sequence: UInt64 = 0
        var lastFrame = 0
        /// The header of the last entry that was read, checksum included: when it is there no more the file has been written anew, or an entry was taken back.
        var lastHeader: [UInt8] = []
    }

    /// What has been committed since the last call, and everything at the first; `nil` when nothing.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when an entry is damaged that had been on the disk, of kind `transport` when there is no journal any more.
    func follow() throws -> News? {
        let file = try fileSystem.open(path, writable: false)
        let header = try bytes(of: file, from: followed.lastFrame, count: JournalFrame.headerLength)
        guard !followed.lastHeader.isEmpty, header == followed.lastHeader else { return try readWhole(file) }
        let size = try file.size()
        guard size > followed.end else { return nil }
        let rest = try bytes(of: file, from: followed.end, count: size - followed.end)
        let frames = rest.withUnsafeBytes { take($0) }
        guard !frames.isEmpty else { return nil }
        var news = News(isWhole: false)
        for frame in frames {
            for (key, mark) in frame.partitions { news.partitions[key] = mark }
            news.groups += frame.groups
        }
        return news
    }

    private func readWhole(_ file: any File) throws -> News {
        let content = try file.contents(path, maximum: 1 << 32)
        return try content.withUnsafeBytes { content in
            let recovered = try JournalRecovery(content, path: path) { _, _ in true }
            followed = Followed()
            _ = take(UnsafeRawBufferPointer(rebasing: content[..<recovered.end]))
            var news = News(partitions: recovered.partitions, isWhole: true)
            for (group, offsets) in recovered.groups {
                for (key, offset) in offsets { news.groups.append(GroupMark(group: group, partition: key, offset: offset)) }
            }
            return news
        }
    }

    /// The entries at the start of `bytes`, which lie where reading goes on; one that is not there as a whole is being written.
    private func take(_ bytes: UnsafeRawBufferPointer) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        var place = 0
        while place < bytes.count, let frame = JournalFrame(startOf: UnsafeRawBufferPointer(rebasing: bytes[place...])),
            followed.lastHeader.isEmpty || frame.sequence == followed.sequence + 1
        {
            entries.append(frame.entry)
            followed.lastFrame = followed.end
            followed.lastHeader = Array(bytes[place..<place + JournalFrame.headerLength])
            followed.sequence = frame.sequence
            followed.end += frame.length
            place += frame.length
        }
        return entries
    }

    private func bytes(of file: any File, from start: Int, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: start)
        }
    }
}
