import MillraceCore
import MillraceFormats
import MillraceSystem

/// Kafka's log inside the process: durable topics in a directory, in Kafka's own format, to which one process writes.
///
///     let log = try EmbeddedLog.open(at: "data")
///     try log.createTopic(TopicSpecification("words", partitions: 4))
///     let session = try log.openSession(named: "reader", group: "counts")
///
/// Records become visible by commits, see `TransportSession.commit`: a commit is whole, in all partitions and with its offsets, or it is nothing, whatever happens
/// to the process. What happens when the power fails is the choice of `Durability`.
///
/// Any thread may call; calls block on the disk.
public final class EmbeddedLog: Transport, @unchecked Sendable {
    /// A topic and its partitions, in order.
    struct Topic {
        var ordinal: UInt32
        var description: TopicDescription
        var partitions: [PartitionLog]
    }

    /// The directory.
    public let path: String
    let options: EmbeddedLogOptions
    let fileSystem: any FileSystem
    let clock: any WallClock
    let directory: DataDirectory
    /// The files of the segments.
    let files: OpenFiles

    /// Held by the one thread that changes anything, also while it writes to the disk. Taken before `state`.
    let writer = Monitor()
    /// Where commits wait for their turn. Its lock is taken before `writer`, and let go before it.
    let commits = CommitQueue()
    /// Held for moments, to change or look at what readers see.
    let state = Monitor()

    // Changed under both locks, so that either is enough to read.
    var topics: [String: Topic] = [:]
    var groups: [String: [PartitionKey: CommittedOffset]]

    // Under `state`.
    var sessionEpochs: [String: UInt64] = [:]
    var waitingSessions: [ObjectIdentifier: LogSession] = [:]

    /// `close` was called.
    private(set) var isShutDown = false

    // Under `writer`.
    var catalogue: TopicCatalogue
    let journal: Journal
    /// Why nothing can be committed any more; reading goes on.
    var failure: MillraceError?
    /// What is known of the producers that number their records.
    var producers = ProducerStates()
    let syncs: SyncQueue
    private var syncer: RepeatingWork?
    private var housekeeper: RepeatingWork?
    /// Held while a partition is compacted, around the other locks.
    let compacting = Monitor()

    /// Opens the log in a directory, which is made when it is missing. What was committed is there again; what was not is gone.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when the directory is in use or not a log, of kind `corruption` when its content is damaged, of kind
    ///   `transport` when the disk refuses.
    public static func open(at path: String, options: EmbeddedLogOptions = EmbeddedLogOptions()) throws -> EmbeddedLog {
        let log = try EmbeddedLog(path, options)
        log.startBackgroundWork()
        return log
    }

    private init(_ path: String, _ options: EmbeddedLogOptions) throws {
        self.path = path
        self.options = options
        fileSystem = options.fileSystem
        clock = options.clock ?? SystemClock()
        directory = try DataDirectory(path, fileSystem)
        syncs = SyncQueue(fileSystem)
        let files = OpenFiles(fileSystem, limit: options.maximumOpenFiles)
        self.files = files

        catalogue = try EmbeddedLog.readCatalogue(path, fileSystem)

        let recovered = try EmbeddedLog.readJournal(directory, catalogue, files)
        if recovered == nil, !catalogue.entries.isEmpty {
            throw MillraceError(
                .corruption,
                "The journal \(path)/\(Journal.fileName) is missing, so nobody knows what was committed. Restore the directory from a backup."
            )
        }
        if let recovered { try catalogue.check(knows: recovered.partitions.keys, path: path + "/" + TopicCatalogue.fileName) }
        journal = try Journal(fileSystem, directory: path, recovered: recovered)
        let known = Set(catalogue.entries.filter { !$0.isDeleted }.map(\.ordinal))
        groups = (recovered?.groups ?? [:]).mapValues { $0.filter { known.contains($0.key.topic) } }.filter { !$0.value.isEmpty }
        if let torn = recovered?.tornBytes, torn > 0 {
            options.logger.log(.notice, "An unfinished commit was undone", ("path", path), ("journalBytes", String(torn)))
        }
        try finishDeletions()
        for entry in catalogue.entries {
            topics[entry.description.name] = try openTopic(
                entry, partitions: 0..<entry.description.partitions, marks: recovered?.partitions ?? [:])
        }
        // A process that died while it made a topic may have left directories that are not there for good, and some may have been made just now.
        if !topics.isEmpty { try fileSystem.syncDirectory(path) }
        if let recovered {
            producers = recovered.producers
            producers.keep { known.contains($0) }
            producers.expire(now: clock.now())
            try takeOverUnsynced(recovered)
        }
        try directory.markOpen()
    }

    /// A process that was killed leaves commits of which the system may still hold some in memory. They count, and must reach the disk before the journal may say that all is there.
    private func takeOverUnsynced(_ recovered: JournalRecovery) throws {
        for partition in topics.values.flatMap(\.partitions) {
            guard let base = recovered.unsyncedFrom[partition.key] else { continue }
            for segment in partition.segments where segment.baseOffset >= base { syncs.add(segment, newIn: partition.directory) }
        }
        if options.durability == .onCommit, recovered.end > recovered.syncedPosition { try sealSynced() }
    }

    /// A log without a topic, for `observe` to fill.
    init(observing directory: DataDirectory, _ options: EmbeddedLogOptions, _ journal: Journal) {
        path = directory.path
        self.options = options
        fileSystem = options.fileSystem
        clock = options.clock ?? SystemClock()
        self.directory = directory
        syncs = SyncQueue(fileSystem)
        files = OpenFiles(fileSystem, limit: options.maximumOpenFiles)
        catalogue = TopicCatalogue()
        groups = [:]
        self.journal = journal
        failure = MillraceError(
            .configuration, "The log \(path) was opened to read only, beside the process that writes to it, so it cannot be changed here.")
    }

    /// The list of topics as it is on the disk.
    func readCatalogue() throws -> TopicCatalogue {
        try EmbeddedLog.readCatalogue(path, fileSystem)
    }

    private static func readCatalogue(_ directory: String, _ fileSystem: any FileSystem) throws -> TopicCatalogue {
        let path = directory + "/" + TopicCatalogue.fileName
        guard let bytes = try fileSystem.contents(of: path) else { return TopicCatalogue() }
        return try TopicCatalogue(text: String(decoding: bytes, as: UTF8.self), path: path)
    }

    private static func readJournal(_ directory: DataDirectory, _ catalogue: TopicCatalogue, _ files: OpenFiles) throws
        -> JournalRecovery?
    {
        let path = directory.path + "/" + Journal.fileName
        guard let bytes = try files.fileSystem.contents(of: path, maximum: 1 << 32) else { return nil }
        let names = Dictionary(uniqueKeysWithValues: catalogue.entries.filter { !$0.isDeleted }.map { ($0.ordinal, $0.description.name) })
        let recovery = PartitionRecovery(files: files)
        return try bytes.withUnsafeBytes { bytes in
            try JournalRecovery(
                bytes, path: path, closedLength: directory.closedJournalLength, isInOrder: !directory.mayHaveLostUnsyncedData
            ) { entry, state in
                guard directory.mayHaveLostUnsyncedData else { return true }
                return try entry.partitions.allSatisfy { key, mark in
                    guard let name = names[key.topic] else { return true }
                    let old = state.partitions[key] ?? PartitionMark()
                    return try recovery.holdsRecords("\(directory.path)/\(name)-\(key.partition)", from: old, to: mark)
                }
            }
        }
    }

    /// Opens a topic's partitions, making those that are not there yet.
    func openTopic(_ entry: TopicCatalogue.Entry, partitions numbers: Range<Partition>, marks: [PartitionKey: PartitionMark]) throws
        -> Topic
    {
        let settings = try TopicSettings(entry.description.settings)
        let recovery = PartitionRecovery(files: files, mayHaveLostUnsyncedData: directory.mayHaveLostUnsyncedData)
        let partitions = try numbers.map { number in
            let name = TopicPartition(entry.description.name, number)
            let key = PartitionKey(topic: entry.ordinal, partition: number)
            return try recovery.open(
                name, key: key, directory: "\(path)/\(name)", id: entry.description.id, settings: settings,
                mark: marks[key] ?? PartitionMark())
        }
        for partition in partitions { partition.hadGaps = entry.mayHaveGaps }
        return Topic(ordinal: entry.ordinal, description: entry.description, partitions: partitions)
    }

    private func startBackgroundWork() {
        if case .interval(let interval) = options.durability {
            syncer = RepeatingWork(every: interval) { [weak self] _ in self?.syncInBackground() }
        }
        if let housekeeping = options.housekeeping {
            housekeeper = RepeatingWork(every: housekeeping.interval) { [weak self] wait in self?.keepHouse(housekeeping, wait: wait) }
        }
    }

    private func stopBackgroundWork() {
        syncer?.stop()
        housekeeper?.stop()
    }

    /// Syncs everything and lets the directory go. Sessions end: what they do next throws. Calling it again does nothing.
    ///
    /// - Throws: `MillraceError` when not everything could be brought to the disk.
    public func close() throws {
        stopBackgroundWork()
        try writer.locked {
            guard !isShutDown else { return }
            defer {
                failure = failure ?? MillraceError(.transport, "The log \(path) is closed.")
                directory.unlock()
            }
            state.locked {
                isShutDown = true
                for session in waitingSessions.values { session.interrupt() }
            }
            guard failure == nil else { return }
            for topic in topics.values.sorted(by: { $0.ordinal < $1.ordinal }) {
                for partition in topic.partitions { try partition.close() }
            }
            try syncHoldingWriter()
            try directory.markClosed(journalLength: journal.position)
        }
    }

    /// Lets the directory go without syncing or completing anything, as the end of the process would. For tests of recovery.
    func abandon() {
        stopBackgroundWork()
        writer.locked {
            failure = failure ?? MillraceError(.transport, "The log \(path) is closed.")
            state.locked { isShutDown = true }
            directory.unlock()
        }
    }

    deinit {
        stopBackgroundWork()
    }
}
