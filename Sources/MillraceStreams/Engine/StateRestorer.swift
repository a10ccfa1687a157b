import MillraceCore
import MillraceFormats

/// Brings the stores of a task up to the end of their changelogs: the last moments after a crash, everything where the local state is missing or does not fit.
struct StateRestorer {
    let transport: any Transport
    /// The group whose committed offsets say how far the app has read.
    let group: String
    let state: StateDirectory
    let clock: any WallClock
    let logger: MillraceLogger
    let onProgress: (@Sendable (RestoreProgress) -> Void)?

    /// - Parameter session: A session that nothing else reads with.
    func restore(_ task: StreamTask, with session: any TransportSession, shouldStop: () -> Bool) throws {
        for entry in task.restorableStores {
            guard let changelog = entry.changelog else { continue }
            try restore(entry, of: task, from: TopicPartition(changelog, task.id.partition), with: session, shouldStop: shouldStop)
        }
    }

    private func restore(
        _ entry: StreamTask.TaskStore, of task: StreamTask, from changelog: TopicPartition, with session: any TransportSession,
        shouldStop: () -> Bool
    ) throws {
        let name = entry.planned.declaration.name
        guard let topic = try transport.describeTopic(changelog.topic) else {
            throw MillraceError(.transport, "The changelog topic \(changelog.topic) of store \(name) does not exist.", task: task.id)
        }
        let range = try restorableRange(entry, of: changelog)
        let backing = entry.isPersistent ? try state.backing(store: name, partition: task.id.partition) : nil
        var position = range.lowerBound
        var reason: String?
        if let backing {
            let known = try state.position(of: backing)
            reason = whyRebuild(known, topic, range)
            if reason == nil, let known { position = known.offset }
            if reason != nil { try state.wipe(backing) }
        }
        guard position < range.upperBound else { return }
        let started = clock.monotonicNanoseconds()
        var progress = RestoreProgress(
            store: name, task: task.id, restored: 0, total: range.upperBound.value - position.value, elapsed: .zero, reason: reason)
        logger.log(
            .info, "Restoring a store from its changelog", ("store", name), ("task", "\(task.id)"), ("records", "\(progress.total)"),
            ("reason", reason ?? "the last moments before the previous stop"))
        let start = position
        try session.assign([changelog: position])
        let batch = backing.map { $0.store.makeBatch() }
        let scratch = ByteBuffer()
        var nextReport = started + 1_000_000_000
        while position < range.upperBound {
            if shouldStop() { return }
            for fetched in try session.poll(maxBytes: 1 << 20, timeout: .milliseconds(100)) {
                var batches = RecordBatchCursor(fetched.bytes)
                while let records = try batches.next() {
                    guard !records.isControl else { continue }
                    var cursor = try records.records(decompressingInto: scratch)
                    while let record = try cursor.next() {
                        guard record.offset >= position, record.offset < range.upperBound, let key = record.key else { continue }
                        try entry.store.restore(
                            key: key, value: record.value, timestamp: record.timestamp, headers: try record.headers.decoded(), batch: batch)
                    }
                }
                position = max(position, fetched.nextOffset)
            }
            try entry.store.finishRestoring(batch: batch)
            if let backing, let batch, batch.count > 0 {
                state.setPosition(StateDirectory.Position(offset: position, topic: topic.id), of: backing, in: batch)
                try backing.store.write(batch)
            }
            let now = clock.monotonicNanoseconds()
            if now >= nextReport || position >= range.upperBound {
                nextReport = now + 1_000_000_000
                progress.restored = min(position.value, range.upperBound.value) - start.value
                progress.elapsed = .nanoseconds(Int64(now - started))
                onProgress?(progress)
            }
        }
        logger.log(
            .info, "Restored a store", ("store", name), ("task", "\(task.id)"), ("records", "\(progress.total)"),
            ("milliseconds", "\(progress.elapsed.milliseconds)"))
    }

    /// What of a changelog belongs to the state: all of it, but of a topic that the app also reads only what it has processed. The rest comes as records.
    private func restorableRange(_ entry: StreamTask.TaskStore, of changelog: TopicPartition) throws -> Range<Offset> {
        let range = try transport.offsetRange(of: changelog)
        guard case .sourceTopic = entry.planned.changelog else { return range }
        let committed = try transport.committedOffsets(of: group, for: [changelog])[changelog]?.offset
        guard let committed, committed >= range.lowerBound, committed <= range.upperBound else {
            return range.lowerBound..<range.lowerBound
        }
        return range.lowerBound..<committed
    }

    /// Why local rows cannot be trusted; `nil` when they can.
    private func whyRebuild(_ known: StateDirectory.Position?, _ topic: TopicDescription, _ range: Range<Offset>) -> String? {
        guard let known else { return "there is no local state" }
        if known.topic != topic.id { return "the changelog topic was deleted and made again" }
        if known.offset < range.lowerBound {
            return "the changelog now starts at offset \(range.lowerBound), behind the local position \(known.offset)"
        }
        if known.offset > range.upperBound {
            return "the local state is ahead of the changelog, which ends at offset \(range.upperBound)"
        }
        return nil
    }
}
