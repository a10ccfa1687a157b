import MillraceCore
import MillraceFormats

/// The one atomic commit.
extension EmbeddedLog {
    /// Appends outputs and moves a group's offsets, all or nothing. See `TransportSession.commit`.
    ///
    /// What several threads commit at once shares an entry of the journal, and the syncs.
    func commit(
        _ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset], by session: LogSession, staged: StagedOutputs? = nil
    ) throws -> [Offset] {
        try commits.run(CommitRequest(outputs, offsets, session, staged)) { requests in
            writer.locked {
                // When something is wrong with one of them nothing has happened yet, and each is tried by itself.
                if requests.count > 1, case .success(let offsets) = Result(catching: { try commitTogether(requests) }) {
                    return offsets.map { .success($0) }
                }
                return requests.map { request in Result { try commitTogether([request])[0] } }
            }
        }
    }

    /// Makes all commits or none, and returns the first offsets of each. Under the writer lock.
    private func commitTogether(_ requests: [CommitRequest]) throws -> [[Offset]] {
        try checkUsable()
        var touched: [PartitionLog] = []
        do {
            var entry = JournalEntry()
            var firstOffsets: [[Offset]] = []
            for request in requests {
                try state.locked { try request.session.checkOwnership() }
                firstOffsets.append(try append(request, to: &entry, touched: &touched))
            }
            entry.partitions = touched.map { ($0.key, $0.markWithAppends) }
            if entry.isEmpty { return firstOffsets }
            try record(entry, touched)
            publish(entry, touched)
            return firstOffsets
        } catch {
            for partition in touched { partition.discard() }
            throw error
        }
    }

    /// Writes a commit's outputs behind the partitions' ends, and its offsets into the entry that would make them count.
    private func append(_ request: CommitRequest, to entry: inout JournalEntry, touched: inout [PartitionLog]) throws -> [Offset] {
        for (partition, offset) in request.offsets.sorted(by: { $0.key < $1.key }) {
            let log = try existingPartition(partition)
            guard offset.offset >= 0 else {
                throw MillraceError(.configuration, "The offset \(offset.offset) cannot be committed for \(partition): offsets start at 0.")
            }
            entry.groups.append(GroupMark(group: request.session.group, partition: log.key, offset: offset))
        }
        let now = clock.now()
        var firstOffsets: [Offset] = []
        firstOffsets.reserveCapacity(request.outputs.count)
        for output in request.outputs {
            let partition = try existingPartition(output.partition)
            var stagedFirst: Offset?
            try request.staged?.forEachPiece(of: output.partition) { piece in
                if !touched.contains(where: { $0 === partition }) { touched.append(partition) }
                let first = try partition.append(piece, now: now)
                stagedFirst = stagedFirst ?? first
            }
            if let stagedFirst, output.bytes.count == 0 {
                firstOffsets.append(stagedFirst)
                continue
            }
            let verdict = try judge(output.bytes, for: partition, now: now, entry)
            if let verdict, verdict.mark == nil, let repeated = verdict.repeated {
                firstOffsets.append(repeated)
                continue
            }
            if !touched.contains(where: { $0 === partition }) { touched.append(partition) }
            let first = try partition.append(verdict.map { $0.newBatches(of: output.bytes) } ?? output.bytes, now: now)
            firstOffsets.append(stagedFirst ?? verdict?.repeated ?? first)
            if var mark = verdict?.mark {
                mark.lastOffset = first.value + mark.count - 1
                entry.producers.append(mark)
            }
        }
        return firstOffsets
    }

    /// Whether batches of a producer may be appended; `nil` when they have none.
    private func judge(_ bytes: ByteBuffer, for partition: PartitionLog, now: Timestamp, _ entry: JournalEntry) throws
        -> ProducerAdmission.Verdict?
    {
        let verdict = try ProducerAdmission.judge(bytes.bytes, for: partition.name, partition.key, now: now) { producer in
            // What this commit has appended for the same producer counts already.
            entry.producers.reduce(into: producers.entry(of: producer, in: partition.key)) { known, mark in
                if mark.partition == partition.key, mark.producer.id == producer { known = ProducerStates.adding(mark, to: known) }
            }
        }
        if let producer = verdict?.producer, let epoch = producers.currentEpoch(of: producer.id), epoch > producer.epoch {
            throw ProducerAdmission.fenced(producer, by: epoch, partition.name)
        }
        return verdict
    }

    /// Writes the journal entry, after the data where the durability asks for that. What threw afterwards never happened.
    private func record(_ entry: JournalEntry, _ touched: [PartitionLog]) throws {
        for partition in touched {
            let directory = partition.hasNewSegments ? partition.directory : nil
            for segment in partition.writtenSegments { syncs.add(segment, newIn: directory) }
        }
        try recordInJournal(entry, sync: options.durability == .onCommit)
    }

    /// Writes an entry and, with `sync`, brings it and all that is not yet there to the disk. Under the writer lock.
    func recordInJournal(_ entry: JournalEntry, sync: Bool) throws {
        let start = journal.position
        do {
            if sync { try failing { try syncs.syncAll() } }
            try journal.append(entry)
            if sync {
                try failing { try syncs.sync(journal.syncPoint.file) }
                journal.markSynced(journal.position, generation: journal.syncPoint.generation)
            }
        } catch {
            if journal.position != start || journal.isUncertain {
                // Best effort: when the entry stays, a restart finds a commit that was reported as failed, and nothing is built upon it now.
                try? journal.retract(to: start)
                fail(error)
            }
            throw error
        }
    }

    /// Shows readers what the journal says now, and wakes those that wait for it.
    private func publish(_ entry: JournalEntry, _ touched: [PartitionLog]) {
        state.locked {
            for partition in touched { partition.publish() }
            for mark in entry.groups { groups[mark.group, default: [:]][mark.partition] = mark.offset }
            for mark in entry.producers { producers.apply(mark) }
            for session in waitingSessions.values where session.waits(forAnyOf: touched) { session.interrupt() }
        }
        do {
            for partition in touched { try partition.settleIndexes() }
            if journal.isDueForRewrite { try rewriteJournal() }
        } catch {
            // The commit stands. An index is only a shortcut and is completed when the log is opened, and the journal is rewritten at a later commit.
            options.logger.log(.warning, "Tidying up after a commit failed", ("path", path), ("error", "\(error)"))
        }
    }

    private func rewriteJournal() throws {
        try syncHoldingWriter()
        var whole = JournalEntry()
        for topic in topics.values.sorted(by: { $0.ordinal < $1.ordinal }) {
            for partition in topic.partitions { whole.partitions.append((partition.key, partition.markWithAppends)) }
        }
        for (group, offsets) in groups.sorted(by: { $0.key < $1.key }) {
            for (key, offset) in offsets.sorted(by: { ($0.key.topic, $0.key.partition) < ($1.key.topic, $1.key.partition) }) {
                whole.groups.append(GroupMark(group: group, partition: key, offset: offset))
            }
        }
        producers.expire(now: clock.now())
        (whole.producers, whole.producerNames) = producers.marks()
        try journal.rewrite(whole)
    }

    // MARK: Syncing

    /// Brings all that was committed to the disk. Under the writer lock.
    func syncHoldingWriter() throws {
        try failing {
            try syncs.syncAll()
            try syncs.sync(journal.syncPoint.file)
        }
        journal.markSynced(journal.position, generation: journal.syncPoint.generation)
    }

    /// Brings all that was committed to the disk and notes that in the journal, so that a recovery asks for none of it any more. Under the writer lock.
    func sealSynced() throws {
        try syncHoldingWriter()
        try recordInJournal(JournalEntry(), sync: true)
    }

    /// Brings all that was committed so far to the disk, while commits go on.
    package func syncInBackground() {
        let work = writer.locked { () -> (() throws -> Void, position: Int, generation: Int)? in
            let point = journal.syncPoint
            guard failure == nil, point.position > journal.syncedPosition else { return nil }
            let sync = syncs.beginBackground()
            return ({ try sync(point.file) }, point.position, point.generation)
        }
        guard let work else { return }
        do {
            try work.0()
            writer.locked {
                syncs.finishBackground()
                journal.markSynced(work.position, generation: work.generation)
            }
        } catch {
            writer.locked { fail(error) }
        }
    }

    private func failing(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            fail(error)
            throw error
        }
    }

    /// Ends all committing: what the disk holds is no longer known. Under the writer lock.
    private func fail(_ error: any Error) {
        guard failure == nil else { return }
        failure = MillraceError(
            .transport,
            "The log \(path) takes no more commits, because the disk failed in a way that leaves open what it holds. Check the disk, then open the log again: it goes back to its last commit.",
            cause: error)
        options.logger.log(.critical, "The log takes no more commits", ("path", path), ("error", "\(error)"))
    }

    /// Under the writer lock.
    func checkUsable() throws {
        if let failure { throw failure }
    }

    /// The partition of this name. Under either lock.
    func existingPartition(_ name: TopicPartition) throws -> PartitionLog {
        guard let topic = topics[name.topic] else {
            throw MillraceError(.transport, "There is no topic \(name.topic) in \(path). Create it first.")
        }
        guard name.partition >= 0, name.partition < topic.description.partitions else {
            throw MillraceError(
                .transport, "The topic \(name.topic) has \(topic.description.partitions) partitions, so there is no \(name).")
        }
        return topic.partitions[Int(name.partition)]
    }
}
