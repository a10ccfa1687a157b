import MillraceCore

/// A worker's side of queries: answers the questions that wait, from stores as they are right after a commit, and passes on the changes that somebody watches.
///
/// Belongs to the worker's thread. Rows are committed every 100 ms but saved to the disk every few seconds, so what is committed is known only to the overlays, which have no locks;
/// a question that comes to them costs nothing where nobody asks.
final class QueryDesk {
    let mailbox = QueryMailbox()
    private let directory: StoreQueries
    private let clock: any WallClock
    private var stores: [TaskID: (String) -> (any StateStore)?] = [:]
    private var watches: [any StoreWatch] = []
    private var pace = QueryPace()
    /// Whether the commit at hand is made for a question.
    private var commitsToAnswer = false
    /// Whether there was a question a moment ago, so that rounds are kept short too.
    private(set) var isAsked = false
    /// When a question was last seen to wait.
    private var lastAsked: UInt64?
    /// For how long after a question commits stay short.
    private static let attention: UInt64 = 100_000_000
    /// How long answers may keep records waiting at a time.
    private static let patience: UInt64 = 2_000_000

    init(_ directory: StoreQueries, clock: any WallClock) {
        self.directory = directory
        self.clock = clock
    }

    /// Whether there is anything to do for `serve`.
    var isNeeded: Bool { mailbox.hasQueries || !watches.isEmpty }

    /// Takes questions to a task's stores from now on.
    func open(_ task: TaskID, _ stores: @escaping (String) -> (any StateStore)?) {
        self.stores[task] = stores
        directory.open(task, at: mailbox)
    }

    /// Takes none to this task any more, and ends the watches of its stores.
    func close(_ task: TaskID) {
        directory.close(task, at: mailbox)
        stores[task] = nil
        for watch in watches where watch.task == task { watch.end(because: directory.isStopping ? nil : directory.moved(task)) }
        watches.removeAll { $0.task == task }
    }

    /// Takes no more questions, and answers those that wait with an error.
    func close() {
        for task in Array(stores.keys) { close(task) }
        for query in mailbox.close() { query.answer(.failure(directory.unavailable(query.store, query.task)), nil) }
    }

    /// Whether a commit is due for the sake of those who ask, or asked a moment ago and will again: a question that comes in the middle of a long commit has to wait for all of it.
    /// The next commit is then taken to be that.
    func wantsCommit(since last: UInt64, now: UInt64) -> Bool {
        if mailbox.hasQueries { lastAsked = now }
        isAsked = lastAsked.map { now - $0 < Self.attention } ?? false
        // While none waits it is enough that commits do not become long.
        guard isAsked, now - last >= pace.pause * (mailbox.hasQueries ? 1 : 4) else { return false }
        commitsToAnswer = true
        return true
    }

    /// Notes how long a commit took, and how long after the one before it came.
    func noteCommit(took duration: UInt64, after work: UInt64) {
        if commitsToAnswer { pace.note(took: duration, after: work) }
        commitsToAnswer = false
    }

    /// Answers what waits, for some milliseconds. Only when nothing is uncommitted.
    func serve() {
        publish()
        guard mailbox.hasQueries else { return }
        let end = clock.monotonicNanoseconds() + Self.patience
        repeat {
            guard let query = mailbox.next() else { return }
            guard let store = stores[query.task]?(query.store) else {
                query.answer(.failure(directory.unavailable(query.store, query.task)), nil)
                continue
            }
            query.answer(.success(store), self)
        } while clock.monotonicNanoseconds() < end
    }

    /// Watches a store from now on.
    func add(_ watch: any StoreWatch) {
        watches.append(watch)
    }

    /// What a follower has at a task; `nil` when it ended.
    func watch(of follower: AnyObject, _ task: TaskID) -> (any StoreWatch)? {
        watches.first { $0.follower === follower && $0.task == task }
    }

    /// Hands the committed changes to those who watch, and lets go of those who no longer do.
    private func publish() {
        guard !watches.isEmpty else { return }
        watches.removeAll { !$0.publish() }
    }
}

/// Somebody who follows the changes of one task's store.
protocol StoreWatch: AnyObject {
    var task: TaskID { get }
    /// Whom the changes go to.
    var follower: AnyObject { get }
    /// Hands over the changes of the commits since the last call.
    ///
    /// - Returns: `false` when nobody listens any more.
    func publish() -> Bool
    /// Tells that no more changes will come from this task: as the app has stopped, or else the reason.
    func end(because error: MillraceError?)
}
