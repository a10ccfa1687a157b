import MillraceCore
import MillracePlan

/// How tasks come to a worker, and go.
extension Worker {
    /// Takes up and gives up tasks as the group says, and runs those that have been restored.
    func followAssignment() throws {
        let now = backend.transport.sharesTasks ? backend.clock.monotonicNanoseconds() : 0
        guard let membership else { return }
        if run.stops.endsEverywhere, !hasAskedForEnd {
            hasAskedForEnd = true
            membership.shutDownApplication()
        }
        let news: TaskAssignment?
        do { news = try membership.changedAssignment() } catch let error as MillraceError where error.kind == .cancelled {
            configuration.logger.log(
                .notice, "The group ends the app on all its instances", ("worker", "\(number)"), ("reason", error.message))
            return run.shutDown()
        }
        if let changed = news {
            assignment = changed
            (isMoving, isInPlace) = (true, false)
            // The group waits for word, even if nothing was held of what it takes away.
            reported = nil
            try giveUp(notIn: changed)
        }
        if isMoving { try move(membership) }
        guard backend.transport.sharesTasks, now >= nextReport else { return }
        try report(membership)
    }

    /// Brings what is held closer to the assignment.
    private func move(_ membership: any GroupMembership) throws {
        for held in heldInOrder { try takeBack(held) }
        let wanted = assignment ?? TaskAssignment()
        var isComplete = assignment != nil
        for id in wanted.tasks where held[id] == nil {
            guard let role = wanted.role(of: id), run.claims.claim(id, by: number) else {
                isComplete = false
                continue
            }
            held[id] = try make(id, role)
        }
        isInPlace = isComplete && held.values.allSatisfy(\.isInPlace)
        // Standbys stay with restore threads, which may fail: they are looked after as long as there are any.
        isMoving = !isInPlace || held.values.contains { !$0.isRunning }
        run.progress.worker(number, isSettled: isInPlace)
        if heldTasks != reported { try report(membership) }
    }

    /// Takes a task from its restore thread when that is done with it.
    private func takeBack(_ held: HeldTask) throws {
        guard let restore = held.restore, let outcome = restore.outcome else { return }
        switch outcome {
        case .failed(let error):
            close(held)
            throw error
        case .outdated where !held.isClosing:
            run.configuration.logger.log(
                .warning, "A changelog has lost records that a store still had to take; the store is rebuilt from what there is",
                ("task", "\(held.id)"))
            held.context.close()
            self.held[held.id] = try make(held.id, held.role)
        case .restored where !held.isClosing:
            held.restore = nil
            try start(restore.task)
        case .restored, .cancelled, .outdated: close(held)
        }
    }

    /// A claimed task, on its way to a restore thread.
    private func make(_ id: TaskID, _ role: HeldTask.Role) throws -> HeldTask {
        let context = TaskContext(
            id: id, applicationID: configuration.applicationID, now: backend.clock.now(), logger: configuration.logger, collector: collector
        )
        context.failures = configuration.failures
        context.callSignal = calls
        context.tracer = configuration.tracer
        do {
            guard let subtopology = run.topology.subtopologies.first(where: { $0.id == id.subtopology }) else {
                throw MillraceError(
                    .topology,
                    "There is no subtopology \(id.subtopology). Members of a group must run the same program: end those that run another.",
                    task: id)
            }
            let task = try StreamTask(
                id: id, subtopology: subtopology, context: context, globalStores: global.stores,
                backing: { meter.opened($0, of: id, try run.restorer.backing(of: $0, task: id)) })
            let restore = TaskRestore(task, isFollowing: role != .active, threads: run.backend.threads) { [stops = run.stops] in
                stops.wakeAll()
            }
            run.restores.submit(restore)
            return HeldTask(id, role: role, context: context, restore: restore)
        } catch {
            context.close()
            throw error
        }
    }

    /// Lets a restored task process: finds where its partitions are to be read on.
    private func start(_ task: StreamTask) throws {
        task.context.now = backend.clock.now()
        try task.assemble()
        var starts: [TopicPartition: CommittedOffset] = [:]
        let partitions = task.sourceTopics.map { TopicPartition($0, task.id.partition) }
        let existing = try partitions.filter { $0.partition < (try partitionCount(of: $0.topic)) }
        let committed = try backend.transport.committedOffsets(of: configuration.applicationID, for: existing)
        for partition in existing {
            let offset = try start(of: partition, task, committed[partition]?.offset)
            // Where reading starts at the end, what comes from now on is the app's, whatever happens before its first commit.
            if committed[partition] == nil, try offset > backend.transport.offsetRange(of: partition).lowerBound {
                starts[partition] = CommittedOffset(offset)
            }
            task.seek(
                partition.topic, to: offset, partitionTime: committed[partition].map { PartitionTime.decode($0.metadata) } ?? .none)
            if let metadata = committed[partition]?.metadata { task.context.recall(PartitionTime.decodeProcessors(metadata)) }
            fetched[partition] = offset
            readers[partition] = task
            run.progress.note(partition, offset)
        }
        if !starts.isEmpty { _ = try session.commit([], offsets: starts) }
        tasks.insert(task, at: tasks.firstIndex { $0.id > task.id } ?? tasks.count)
        needsAssignment = true
        queries.open(task.id) { [unowned task] in task.store($0) }
        // What processors wrote when they were made is not to be seen before it is committed.
        hasWork = hasWork || task.restorableStores.contains { $0.store.hasUncommittedRows }
        run.progress.taskRuns(task.id)
    }

    /// Where to read a partition from.
    private func start(of partition: TopicPartition, _ task: StreamTask, _ committed: Offset?) throws -> Offset {
        let range = try backend.transport.offsetRange(of: partition)
        let offset = try committed ?? task.startingOffset(of: partition.topic, in: range)
        if offset >= range.lowerBound, offset <= range.upperBound { return offset }
        let start = try task.startingOffset(of: partition.topic, in: range)
        configuration.logger.log(
            .warning, "The committed offset is outside what the topic holds; reading goes on where the source says to start",
            ("partition", "\(partition)"), ("committed", "\(offset)"), ("start", "\(range.lowerBound)"),
            ("end", "\(range.upperBound)"), ("next", "\(start)"))
        return start
    }

    /// Lets go of what the assignment does not have, or has in a role that this task cannot change to, after a commit of all that was done.
    private func giveUp(notIn assignment: TaskAssignment) throws {
        var leaving: [HeldTask] = []
        for held in heldInOrder where !held.isClosing {
            switch (assignment.role(of: held.id), held.restore) {
            case (.active?, nil): break
            case (let role?, let restore?) where role != .active && restore.isFollowing: held.role = role
            case (.active?, let restore?):
                held.role = .active
                restore.finishSoon()
                run.restores.wake()
            default: leaving.append(held)
            }
        }
        if leaving.contains(where: \.isRunning) {
            try commit(saves: true)
            queries.serve()
        }
        for held in leaving {
            if let restore = held.restore {
                held.isClosing = true
                restore.cancel()
            } else {
                close(held)
            }
        }
        run.restores.wake()
    }

    /// Forgets a task that no restore thread has, with all that is in memory of it, and lets others claim it. What is on disk stays.
    func close(_ held: HeldTask) {
        // First of all: as long as the task counts as running, its partitions must be known too, or all would look done without them.
        run.progress.taskIsGone(held.id)
        if held.isRunning {
            queries.close(held.id)
            tasks.removeAll { $0.id == held.id }
            for (partition, task) in readers where task.id == held.id {
                readers[partition] = nil
                fetched[partition] = nil
                paused.remove(partition)
                run.progress.forget(partition)
            }
            for partition in changelogEnds.keys where partition.partition == held.id.partition && isChangelog(partition.topic, of: held.id)
            {
                changelogEnds[partition] = nil
            }
            needsAssignment = true
            idleness.forget(held.id)
        }
        meter.closed(held.id)
        droppedBefore.merge(held.context.dropped, uniquingKeysWith: +)
        held.context.close()
        self.held[held.id] = nil
        run.claims.release(held.id, by: number)
    }

    /// What is held, always in the same order: who is waited for first is seen by other threads.
    var heldInOrder: [HeldTask] { held.values.sorted { $0.id < $1.id } }

    /// Takes all tasks back from restore threads.
    func giveUpRestores() {
        let restores = heldInOrder.compactMap(\.restore)
        for restore in restores { restore.cancel() }
        run.restores.wake()
        for restore in restores { restore.waitForEnd() }
    }

    /// What a member does that its group has put out, or that does not know what became of its commit: nothing that it did since the last commit counts, others may have its
    /// tasks already. A new session settles what the old one left open before offsets are read again, so what was committed after all is not done twice.
    ///
    /// - Returns: `false` when the app is to stop instead, which has nothing at hand to finish.
    func joinAgain(after error: MillraceError) throws -> Bool {
        configuration.logger.log(
            .warning,
            error.kind == .fenced
                ? "The group has put this worker out; it gives up its tasks, without a commit, and joins again"
                : "The cluster did not do what was asked of it; this worker gives up its tasks, without a commit, and joins again",
            ("worker", "\(number)"),
            ("tasks", held.keys.sorted().map(\.description).joined(separator: " ")), ("reason", error.message))
        forgetWork()
        giveUpRestores()
        for held in heldInOrder { close(held) }
        (assignment, reported) = (nil, nil)
        (isMoving, isInPlace) = (true, false)
        run.progress.worker(number, isSettled: false)
        // It may be the session alone that was put out: the group must not wait for a member that nobody follows any more.
        membership?.leave()
        membership = nil
        run.stops.remove(session)
        calls.wake(nil)
        session.close()
        var error = error
        while true {
            guard let pause = patience.pause(after: error, now: backend.clock.monotonicNanoseconds()) else { throw error }
            wait(milliseconds: pause)
            if run.stops.isStopping { return false }
            do {
                try openAgain()
                return true
            } catch let next as MillraceError where RejoinPatience.allows(next) {
                configuration.logger.log(
                    .warning, "The worker cannot join again yet", ("worker", "\(number)"), ("reason", next.message))
                error = next
            }
        }
    }

    private func openAgain() throws {
        session = try run.openSession(ofWorker: number)
        run.stops.add(session)
        calls.wake(session)
        queries.mailbox.open(waking: session)
        needsAssignment = true
        hasAskedForEnd = false
        membership = try session.join(run.declaration) ?? run.localGroup.join(as: number)
    }

    /// Does nothing for a while, unless the app is to stop.
    private func wait(milliseconds: Int64) {
        let nobody = EndOfWorkers(count: 1, threads: run.backend.threads)
        var rest = milliseconds
        while rest > 0, !run.stops.isStopping {
            _ = nobody.wait(for: .milliseconds(min(rest, 100)))
            rest -= 100
        }
    }

    private func isChangelog(_ topic: String, of task: TaskID) -> Bool {
        run.topology.subtopologies.first { $0.id == task.subtopology }?.stores.contains {
            $0.changelogTopic(of: configuration.applicationID) == topic
        } ?? false
    }

    private var heldTasks: TaskAssignment {
        var all = TaskAssignment()
        for held in held.values {
            switch held.role {
            case .active: all.active.insert(held.id)
            case .standby: all.standby.insert(held.id)
            case .warmUp: all.warmUp.insert(held.id)
            }
        }
        return all
    }

    /// Tells the group what is held, and how far the local state is.
    private func report(_ membership: any GroupMembership) throws {
        nextReport = backend.clock.monotonicNanoseconds() + 10_000_000_000
        let all = heldTasks
        reported = all
        guard backend.transport.sharesTasks else { return }
        var positions = try run.state.positions(in: run.topology)
        for held in held.values {
            guard let restore = held.restore, restore.outcome == nil else { continue }
            positions[held.id] = max(positions[held.id] ?? 0, restore.position)
        }
        membership.report(all, positions: positions)
    }
}
