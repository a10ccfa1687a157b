import MillraceCore
import MillraceSystem

/// A commit that a session asked for.
final class CommitRequest: @unchecked Sendable {
    let outputs: [OutputBatches]
    let offsets: [TopicPartition: CommittedOffset]
    let session: LogSession
    /// What the session has staged.
    let staged: StagedOutputs?
    /// What became of it. Belongs to the queue's lock.
    fileprivate var result: Result<[Offset], any Error>?

    init(_ outputs: [OutputBatches], _ offsets: [TopicPartition: CommittedOffset], _ session: LogSession, _ staged: StagedOutputs? = nil) {
        self.staged = staged
        self.outputs = outputs
        self.offsets = offsets
        self.session = session
    }
}

/// Lets commits of several threads share one entry of the journal and one wait for the disk.
///
/// While one thread commits, those that come wait here; then one of them commits for all that wait. A thread alone never waits for others to come.
final class CommitQueue: @unchecked Sendable {
    private let monitor = Monitor()
    private let changed: Condition
    private var waiting: [CommitRequest] = []
    private var isBusy = false

    init() {
        changed = Condition(of: monitor)
    }

    /// How many commits wait for the one under way.
    var waitingCount: Int { monitor.locked { waiting.count } }

    /// Whether a commit is under way.
    var isBusyNow: Bool { monitor.locked { isBusy } }

    /// Runs `commit` with `request` and all others that wait by then, unless another thread has taken it along, and returns what became of it.
    ///
    /// - Parameter commit: Returns a result for each request, in their order.
    func run(_ request: CommitRequest, _ commit: ([CommitRequest]) -> [Result<[Offset], any Error>]) throws -> [Offset] {
        let group: [CommitRequest] = monitor.locked {
            waiting.append(request)
            while isBusy, request.result == nil { changed.wait() }
            guard request.result == nil else { return [] }
            isBusy = true
            defer { waiting.removeAll() }
            return waiting
        }
        if !group.isEmpty {
            let results = commit(group)
            monitor.locked {
                for (request, result) in zip(group, results) { request.result = result }
                isBusy = false
                changed.signal()
            }
        }
        guard let result = monitor.locked({ request.result }) else { preconditionFailure("a commit that was made has a result") }
        return try result.get()
    }
}
