import MillraceCore
import Synchronization

/// Where the questions to a worker's stores wait until its thread has time for them, right after a commit.
///
/// Any thread may post. The worker looks once a round, which costs it one load while nobody asks.
final class QueryMailbox: Sendable {
    private struct State {
        var queries: [StoreQuery?] = []
        /// The first one that nobody has taken.
        var head = 0
        var waker: Waker?

        mutating func take() -> StoreQuery? {
            guard head < queries.count else { return nil }
            defer {
                queries[head] = nil
                head += 1
            }
            return queries[head]
        }
    }

    /// A session, of which only `wake` is used from other threads.
    private struct Waker: @unchecked Sendable {
        let session: any TransportSession
    }

    private let state = Mutex(State())
    private let waiting = Atomic<Bool>(false)

    /// Whether questions wait.
    var hasQueries: Bool { waiting.load(ordering: .relaxed) }

    /// Lets questions in, and wakes this session for them.
    func open(waking session: any TransportSession) {
        let waker = Waker(session: session)
        state.withLock { $0.waker = waker }
    }

    /// - Returns: `false` when the worker takes no questions.
    func post(_ query: StoreQuery) -> Bool {
        state.withLock { state in
            guard let waker = state.waker else { return false }
            // Moves those that wait only when at least as many have gone.
            if state.head > 64, state.head * 2 > state.queries.count {
                state.queries.removeFirst(state.head)
                state.head = 0
            }
            state.queries.append(query)
            waiting.store(true, ordering: .relaxed)
            // One that waits already has woken the worker.
            if state.queries.count == state.head + 1 { waker.session.wake() }
            return true
        }
    }

    /// The question that has waited longest.
    func next() -> StoreQuery? {
        state.withLock { state in
            let query = state.take()
            if state.head == state.queries.count {
                state.queries.removeAll(keepingCapacity: state.queries.capacity < 4096)
                state.head = 0
                waiting.store(false, ordering: .relaxed)
            }
            return query
        }
    }

    /// Lets nothing in any more.
    ///
    /// - Returns: The questions that nobody has answered.
    func close() -> [StoreQuery] {
        state.withLock { state in
            let left = state.queries.compactMap { $0 }
            state = State()
            waiting.store(false, ordering: .relaxed)
            return left
        }
    }
}
