import MillraceCore
import Synchronization

/// Tells the workers of an app to stop, and wakes those that wait.
final class StopSignal: Sendable {
    private struct State {
        var isStopping = false
        var isAbandoned = false
        var sessions: [Waker] = []
    }

    private let state = Mutex(State())

    /// A session, of which only `wake` is used from other threads.
    private struct Waker: @unchecked Sendable {
        let session: any TransportSession
    }

    /// Finish what is at hand, commit, and end.
    func stop() {
        state.withLock { state in
            state.isStopping = true
            for waker in state.sessions { waker.session.wake() }
        }
    }

    /// End without a commit.
    func abandon() {
        state.withLock { $0.isAbandoned = true }
        stop()
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    func add(_ session: any TransportSession) {
        let waker = Waker(session: session)
        state.withLock { $0.sessions.append(waker) }
    }

    /// Makes all waiting workers look around.
    func wakeAll() {
        state.withLock { state in for waker in state.sessions { waker.session.wake() } }
    }
}
