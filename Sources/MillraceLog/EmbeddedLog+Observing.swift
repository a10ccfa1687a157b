import MillraceCore
import MillraceFormats

/// A log that another process may be writing to: looked at from beside, changing nothing.
extension EmbeddedLog {
    /// Opens the log in a directory to read only, also while another process writes to it.
    ///
    /// It shows what was committed at this moment; `refresh` shows what has been committed since. Whatever would change the directory throws. No file is created, locked
    /// or repaired: after a failure of power, commits that the next writer will undo may be visible here.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when there is no log in the directory, of kind `corruption` when its content is damaged, of kind `transport` when
    ///   the disk refuses.
    public static func observe(at path: String, options: EmbeddedLogOptions = EmbeddedLogOptions()) throws -> EmbeddedLog {
        let directory = try DataDirectory(observing: path, options.fileSystem)
        let log = EmbeddedLog(observing: directory, options, try Journal(observing: path, options.fileSystem))
        try log.refresh()
        // Only when nobody has opened it since, who may have written the journal anew.
        if let length = directory.closedJournalLength, log.journal.followed.end < length,
            try DataDirectory(observing: path, options.fileSystem).closedJournalLength == length
        {
            throw JournalRecovery.damaged(log.journal.path, at: log.journal.followed.end)
        }
        return log
    }

    /// Whether the log was opened by `observe`.
    public var isObserver: Bool { directory.isObserved }

    /// Shows what the writer has committed since the log was opened by `observe`, or refreshed. Without anything new it costs two reads.
    ///
    /// On a log that is not an observer it does nothing: that one always shows everything.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the journal is damaged, of kind `transport` when files cannot be read.
    public func refresh() throws {
        guard isObserver else { return }
        // The writer may be removing files while they are opened: what fails is tried on the next state of the directory.
        var attempt = 1
        while true {
            do {
                return try showNews()
            } catch  where attempt < 5 {
                attempt += 1
            }
        }
    }

    private func showNews() throws {
        try writer.locked {
            var isShown = false
            // What was read and not shown would be missed.
            defer { if !isShown { journal.followed = Journal.Followed() } }
            // The journal before the list of topics: then the list knows each topic that the journal speaks of, unless it was deleted.
            let news = try journal.follow()
            let changed = try readCatalogue()
            if let news { try changed.check(knows: news.partitions.keys, path: path + "/" + TopicCatalogue.fileName) }
            guard news != nil || changed != catalogue else {
                isShown = true
                return
            }
            try state.locked {
                if let news { adoptGroups(news) }
                try adoptTopics(changed, marks: news?.partitions ?? [:])
                catalogue = changed
                for session in waitingSessions.values { session.interrupt() }
            }
            isShown = true
        }
    }

    private func adoptGroups(_ news: Journal.News) {
        if news.isWhole { groups.removeAll() }
        for mark in news.groups { groups[mark.group, default: [:]][mark.partition] = mark.offset }
    }

    private func adoptTopics(_ changed: TopicCatalogue, marks: [PartitionKey: PartitionMark]) throws {
        let live = changed.entries.filter { !$0.isDeleted }
        let ordinals = Set(live.map(\.ordinal))
        for (name, topic) in topics where !ordinals.contains(topic.ordinal) {
            for partition in topic.partitions { partition.isDeleted = true }
            topics[name] = nil
        }
        groups = groups.mapValues { $0.filter { ordinals.contains($0.key.topic) } }.filter { !$0.value.isEmpty }
        for entry in live {
            let settings = try TopicSettings(entry.description.settings)
            var topic = topics[entry.description.name] ?? Topic(ordinal: entry.ordinal, description: entry.description, partitions: [])
            topic.description = entry.description
            for number in Partition(topic.partitions.count)..<max(entry.description.partitions, Partition(topic.partitions.count)) {
                let name = TopicPartition(entry.description.name, number)
                topic.partitions.append(
                    PartitionLog(
                        name, key: PartitionKey(topic: entry.ordinal, partition: number), directory: "\(path)/\(name)", settings: settings,
                        mark: PartitionMark(), segments: [], files: files))
            }
            for partition in topic.partitions {
                partition.settings = settings
                partition.hadGaps = entry.mayHaveGaps
                if let mark = marks[partition.key] { try partition.follow(mark) }
            }
            topics[entry.description.name] = topic
        }
    }
}

extension PartitionLog {
    /// Shows what `mark` says: opens the segments that are new and lets go of those that were deleted. Under both locks, on an observer.
    func follow(_ mark: PartitionMark) throws {
        if mark.segmentBytes > 0 {
            var current = segments
            if current.last?.baseOffset != mark.segmentBase {
                let known = current.last?.baseOffset ?? -1
                if let last = current.last { last.committedBytes = try last.file.size() }
                let bases = try fileSystem.list(directory).compactMap(SegmentFiles.baseOffset(ofLog:)).filter {
                    $0 > known && $0 <= mark.segmentBase
                }
                for base in bases.sorted() {
                    let segment = try Segment(observing: files, directory: directory, baseOffset: base)
                    segment.committedBytes = try segment.file.size()
                    current.append(segment)
                }
            }
            while current.count > 1, current[1].baseOffset <= mark.startOffset { current.removeFirst() }
            guard let last = current.last, last.baseOffset == mark.segmentBase else {
                throw MillraceError(
                    .corruption,
                    "\(directory)/\(SegmentFiles.name(mark.segmentBase, SegmentFiles.log)) is missing, and should hold records up to offset \(mark.endOffset). Restore it from a backup."
                )
            }
            last.committedBytes = mark.segmentBytes
            segments = current
        } else {
            segments = []
        }
        startOffset = mark.startOffset
        showEnd(mark.endOffset)
    }
}
