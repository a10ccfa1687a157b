import MillraceCore

/// Restores several tasks at a time through one session: what a restore thread does.
///
/// Every changelog is read from where its store is. What is read is gathered, and goes to the database in large sorted pieces when the budget is used up or a store is done.
final class ChangelogReader {
    private static let refreshInterval: UInt64 = 1_000_000_000

    private struct Job {
        let restore: TaskRestore
        var stores: [StoreRestore]
        var isFollowing: Bool
    }

    private let session: any TransportSession
    private let restorer: StateRestorer
    private let budget: Int
    private var jobs: [Job] = []
    private var assigned: [TopicPartition: [StoreRestore]] = [:]
    private var nextRefresh: UInt64 = 0

    /// - Parameter budget: How many bytes of rows may wait to be written.
    init(_ session: any TransportSession, _ restorer: StateRestorer, budget: Int) {
        self.session = session
        self.restorer = restorer
        self.budget = budget
    }

    /// How many tasks it has.
    var count: Int { jobs.count }

    /// Takes a task up.
    func add(_ restore: TaskRestore) {
        do {
            jobs.append(Job(restore: restore, stores: try restorer.stores(of: restore.task), isFollowing: restore.isFollowing))
        } catch { restore.end(.failed(error)) }
    }

    /// Gives all tasks back.
    func fail(_ error: any Error) {
        for job in jobs { job.restore.end(.failed(error)) }
        jobs = []
    }

    /// One round: reads what is there, and lets go of tasks that are done.
    func step() throws {
        let now = restorer.now()
        try refresh(now)
        try endJobs()
        guard !jobs.isEmpty else { return }
        do {
            try assign()
            let isWaiting = jobs.allSatisfy(\.isFollowing)
            for fetched in try session.poll(maxBytes: 1 << 20, timeout: .milliseconds(isWaiting ? 1000 : 100)) {
                for store in assigned[fetched.partition] ?? [] { try store.take(fetched) }
                try keepBudget()
            }
        } catch {
            guard try endOutdatedJobs() else { throw error }
        }
        let later = restorer.now()
        for job in jobs { for store in job.stores { store.report(now: later).map(restorer.tell) } }
    }

    /// Looks at the ends of changelogs again: now and then for tasks that follow, and once more when one is to become active.
    private func refresh(_ now: UInt64) throws {
        let isDue = now >= nextRefresh
        if isDue { nextRefresh = now + Self.refreshInterval }
        for index in jobs.indices where jobs[index].isFollowing {
            let isPromoted = !jobs[index].restore.isFollowing
            guard isDue || isPromoted else { continue }
            jobs[index].isFollowing = !isPromoted
            for store in jobs[index].stores {
                store.limit = max(store.limit, try restorer.range(of: store.changelog, store.entry.planned).upperBound)
                try store.save()
            }
            jobs[index].restore.note(position: jobs[index].stores.reduce(0) { $0 + $1.position.value })
        }
    }

    private func endJobs() throws {
        var left: [Job] = []
        for job in jobs {
            let isCancelled = job.restore.isCancelled
            let isDone = !job.isFollowing && job.stores.allSatisfy(\.isAtLimit)
            guard isCancelled || isDone else {
                left.append(job)
                continue
            }
            do {
                for store in job.stores { try store.save() }
                if isDone { for store in job.stores { restorer.tellRestored(store) } }
                job.restore.note(position: job.stores.reduce(0) { $0 + $1.position.value })
                job.restore.end(isCancelled ? .cancelled : .restored)
            } catch { job.restore.end(.failed(error)) }
        }
        jobs = left
    }

    /// Lets the session read what is wanted now.
    private func assign() throws {
        var wanted: [TopicPartition: [StoreRestore]] = [:]
        for job in jobs {
            for store in job.stores where !store.isAtLimit || (job.isFollowing && store.isOwn) {
                wanted[store.changelog, default: []].append(store)
            }
        }
        let isSame =
            wanted.count == assigned.count
            && wanted.allSatisfy { partition, stores in
                guard let others = assigned[partition], others.count == stores.count else { return false }
                return zip(stores, others).allSatisfy { $0 === $1 }
            }
        if isSame { return }
        // Before anything can be thrown: what is assigned is not known then.
        assigned = [:]
        try session.assign(wanted.compactMapValues { $0.map(\.position).min() })
        assigned = wanted
    }

    private func keepBudget() throws {
        guard jobs.reduce(0, { sum, job in job.stores.reduce(sum) { $0 + $1.byteCount } }) > budget else { return }
        // The largest alone, so that the pieces stay large.
        try jobs.flatMap(\.stores).max { $0.byteCount < $1.byteCount }?.save()
    }

    /// Ends the jobs whose changelogs have lost what comes next.
    ///
    /// - Returns: Whether there was any.
    private func endOutdatedJobs() throws -> Bool {
        var left: [Job] = []
        for job in jobs {
            let isOutdated = try job.stores.contains { try $0.position < restorer.start(of: $0.changelog) }
            if isOutdated { job.restore.end(.outdated) } else { left.append(job) }
        }
        defer { (jobs, assigned) = (left, [:]) }
        return left.count < jobs.count
    }
}
