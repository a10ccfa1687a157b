import MillraceCore
import MillracePlan
import Synchronization

/// Where in this instance each task is, for those who ask its stores.
final class StoreQueries: Sendable {
    private struct State {
        /// All tasks of the app, on this instance and on others.
        var tasks: [TaskID] = []
        var mailboxes: [TaskID: [QueryMailbox]] = [:]
    }

    private let places = Mutex(State())
    private let appState: @Sendable () -> AppState

    init(appState: @escaping @Sendable () -> AppState) {
        self.appState = appState
    }

    /// Notes which tasks the app has, wherever they run.
    func setTasks(_ tasks: [TaskID]) {
        places.withLock { $0.tasks = tasks }
    }

    func open(_ task: TaskID, at mailbox: QueryMailbox) {
        places.withLock { $0.mailboxes[task, default: []].append(mailbox) }
    }

    func close(_ task: TaskID, at mailbox: QueryMailbox) {
        places.withLock { places in
            places.mailboxes[task]?.removeAll { $0 === mailbox }
            if places.mailboxes[task]?.isEmpty == true { places.mailboxes[task] = nil }
        }
    }

    /// The tasks that have a subtopology's stores.
    ///
    /// - Throws: `MillraceError` of kind `store` before the app has found them.
    func tasks(of subtopology: Int, for store: String) throws -> [TaskID] {
        if subtopology == TaskID.global.subtopology { return [.global] }
        let tasks = places.withLock { $0.tasks.filter { $0.subtopology == subtopology } }
        guard !tasks.isEmpty else { throw unavailable(store, TaskID(subtopology: subtopology, partition: 0)) }
        return tasks
    }

    /// Whether a task runs here, now.
    func isHere(_ task: TaskID) -> Bool {
        places.withLock { $0.mailboxes[task] != nil }
    }

    /// Asks one task's store; `body` runs on its worker's thread.
    func ask<Answer: Sendable>(
        _ store: String, of task: TaskID, _ body: @escaping @Sendable (any StateStore, QueryDesk) throws -> Answer
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let query = StoreQuery(task: task, store: store) { found, desk in
                continuation.resume(
                    with: Result {
                        let store = try found.get()
                        guard let desk else { throw MillraceError(.store, "Store \(store.name) has no worker.") }
                        return try body(store, desk)
                    })
            }
            // Global stores are everywhere alike; the first one is asked, so that who asks twice does not see time go back.
            let mailbox = places.withLock { $0.mailboxes[task]?.first }
            guard let mailbox, mailbox.post(query) else { return continuation.resume(throwing: unavailable(store, task)) }
        }
    }

    /// Whether the app was told to stop.
    var isStopping: Bool {
        switch appState() {
        case .stopping, .stopped: true
        default: false
        }
    }

    /// Why changes of a task's stores are not followed any more.
    func moved(_ task: TaskID) -> MillraceError {
        MillraceError(
            .store,
            "Task \(task) has left its worker, because the app failed or another instance took the task over, so its changes are not followed any more. Follow them anew, with the rows that there are then.",
            task: task, isRetriable: true)
    }

    /// Why a task's store cannot be asked now.
    func unavailable(_ store: String, _ task: TaskID) -> MillraceError {
        switch appState() {
        case .created:
            MillraceError(
                .store, "Store \(store) cannot be queried before the app runs. Call run() and wait for the state to be .running.",
                isRetriable: true)
        case .restoring:
            MillraceError(
                .store, "Store \(store) cannot be queried while the app is restoring its state. Ask again when the state is .running.",
                isRetriable: true)
        case .stopping, .stopped:
            MillraceError(.store, "Store \(store) cannot be queried: the app has stopped.")
        case .running, .paused:
            MillraceError(
                .store,
                "Partition \(task.partition) of store \(store) is not on this instance at present. Ask the instance that runs task \(task), ask for partitions: .local, or ask again when the app has taken it over.",
                task: task, isRetriable: true)
        }
    }
}
