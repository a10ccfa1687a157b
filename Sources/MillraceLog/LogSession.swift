import MillraceCore
import MillraceFormats
import MillraceSystem

/// A session on the embedded log: positions in partitions, and a place to wait for more. See `TransportSession`.
final class LogSession: TransportSession, @unchecked Sendable {
    let name: String
    let group: String
    private let log: EmbeddedLog
    private let epoch: UInt64

    // Of the session's own thread.
    private var pool = ReadBlockPool()
    private var positions: [ReadPosition] = []
    /// Where the next poll begins, so that no partition starves the others.
    private var turn = 0
    /// What was staged for the next commit.
    private var staged: StagedOutputs?

    // Under the log's state lock.
    private var partitions: [PartitionLog] = []
    private var isPaused: [Bool] = []
    private let interrupted: Condition
    private var isWoken = false
    private var isClosed = false

    /// A piece for one partition, so that one with much to read leaves room for the others.
    private static let pieceBytes = 1 << 20

    init(_ log: EmbeddedLog, name: String, group: String, epoch: UInt64) {
        self.log = log
        self.name = name
        self.group = group
        self.epoch = epoch
        interrupted = Condition(of: log.state)
    }

    func assign(_ assignment: [TopicPartition: Offset]) throws {
        try log.state.locked {
            try checkOwnership()
            var newPartitions: [PartitionLog] = []
            var newPositions: [ReadPosition] = []
            for (name, offset) in assignment.sorted(by: { $0.key < $1.key }) {
                let partition = try log.existingPartition(name)
                guard offset.value >= partition.startOffset, offset.value <= partition.endOffset else {
                    throw MillraceError(
                        .transport,
                        "Reading \(name) cannot start at offset \(offset): it holds \(partition.startOffset) up to, not including, \(partition.endOffset)."
                    )
                }
                newPartitions.append(partition)
                newPositions.append(ReadPosition(offset: offset.value, place: nil))
            }
            partitions = newPartitions
            positions = newPositions
            isPaused = Array(repeating: false, count: newPartitions.count)
            turn = 0
        }
    }

    func pause(_ partition: TopicPartition) {
        setPaused(partition, true)
    }

    func resume(_ partition: TopicPartition) {
        setPaused(partition, false)
    }

    private func setPaused(_ name: TopicPartition, _ paused: Bool) {
        log.state.locked {
            for index in partitions.indices where partitions[index].name == name { isPaused[index] = paused }
        }
    }

    func poll(maxBytes: Int, timeout: Duration) throws -> [FetchedBatches] {
        let milliseconds = max(0, timeout.milliseconds)
        let deadline = milliseconds == 0 ? 0 : Condition.now() &+ UInt64(min(milliseconds, 1 << 40)) * 1_000_000
        while true {
            let ready = try waitForRecords(until: deadline)
            if ready.isEmpty { return [] }
            let batches = try read(ready, maxBytes: maxBytes)
            // Compaction may have removed all that seemed to be there: then wait for more.
            if !batches.isEmpty { return batches }
        }
    }

    /// The partitions with something to read, in the order of their turn; none when it is time to return.
    private func waitForRecords(until deadline: UInt64) throws -> [(index: Int, view: BatchReader.View)] {
        try log.state.locked {
            while true {
                try checkOwnership()
                if isWoken {
                    isWoken = false
                    return []
                }
                let ready = try readyPartitions()
                if !ready.isEmpty || Condition.now() >= deadline { return ready }
                log.waitingSessions[ObjectIdentifier(self)] = self
                interrupted.wait(until: deadline)
                log.waitingSessions[ObjectIdentifier(self)] = nil
            }
        }
    }

    private func readyPartitions() throws -> [(index: Int, view: BatchReader.View)] {
        var ready: [(index: Int, view: BatchReader.View)] = []
        for step in partitions.indices {
            let index = (turn + step) % partitions.count
            let partition = partitions[index]
            guard !partition.isDeleted else {
                throw MillraceError(.transport, "The topic \(partition.name.topic) was deleted while \(name) was reading it.")
            }
            guard !isPaused[index], positions[index].offset < partition.endOffset else { continue }
            guard positions[index].offset >= partition.startOffset else {
                throw MillraceError(
                    .transport,
                    "\(name) wanted to read \(partition.name) from offset \(positions[index].offset), but the records before \(partition.startOffset) have been deleted. Assign it from there, and give the topic a longer retention if they were still needed."
                )
            }
            ready.append((index, partition.view))
        }
        return ready
    }

    private func read(_ ready: [(index: Int, view: BatchReader.View)], maxBytes: Int) throws -> [FetchedBatches] {
        var fetched: [FetchedBatches] = []
        var budget = max(maxBytes, 1)
        for (index, view) in ready {
            let wanted = min(budget, LogSession.pieceBytes)
            // The first is read even if it does not fit, as otherwise nothing would go on.
            if !fetched.isEmpty, wanted < 4096 { break }
            var position = positions[index]
            let read: (ReadBlock, UnsafeRawBufferPointer)?
            do {
                read = try BatchReader.read(view, &position, maxBytes: wanted, pool: &pool)
            } catch  where !fetched.isEmpty {
                // What was read counts; the next poll comes here first and throws.
                turn = index
                return fetched
            }
            turn = (index + 1) % positions.count
            positions[index] = position
            guard let (block, bytes) = read else { continue }
            fetched.append(
                FetchedBatches(
                    partition: partitions[index].name, bytes: bytes, owner: block, nextOffset: Offset(position.offset),
                    endOffset: Offset(view.endOffset)))
            budget -= bytes.count
            if budget <= 0 { break }
        }
        return fetched
    }

    func wake() {
        log.state.locked {
            isWoken = true
            interrupted.signal()
        }
    }

    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset]) throws -> [Offset] {
        let firsts = try log.commit(outputs, offsets: offsets, by: self, staged: staged)
        forgetStaged()
        return firsts
    }

    func stage(_ outputs: [OutputBatches]) throws -> Bool {
        let staged = try self.staged ?? log.makeStagedOutputs()
        self.staged = staged
        for output in outputs { try staged.add(output) }
        return true
    }

    /// Removes the file: what is in it is for a commit that is made, or will never be. When it cannot be removed, the next start does it.
    func forgetStaged() {
        do { try staged?.remove() } catch { log.options.logger.log(.debug, "A file cannot be removed now", ("error", "\(error)")) }
        staged = nil
    }

    func close() {
        forgetStaged()
        log.state.locked {
            isClosed = true
            partitions.removeAll()
            isPaused.removeAll()
            interrupted.signal()
        }
        positions.removeAll()
    }

    // MARK: Called by the log, under its state lock

    /// - Throws: `MillraceError` of kind `fenced` when a newer session has this one's name, of kind `transport` when the session or its log is closed.
    func checkOwnership() throws {
        guard log.sessionEpochs[name] == epoch else {
            throw MillraceError(.fenced, "A newer session took over the name \(name): this one can neither read nor commit any more.")
        }
        if isClosed { throw MillraceError(.transport, "The session \(name) is closed.") }
        if log.isShutDown { throw MillraceError(.transport, "The log \(log.path) is closed.") }
    }

    func waits(forAnyOf changed: [PartitionLog]) -> Bool {
        partitions.contains { partition in changed.contains { $0 === partition } }
    }

    /// Makes a waiting `poll` look again.
    func interrupt() {
        interrupted.signal()
    }
}
