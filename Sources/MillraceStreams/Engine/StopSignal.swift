import MillraceCore
import Synchronization

/// Tells the workers of an app to stop, and wakes those that wait.
final class StopSignal: Sendable {
    private struct State {
        var isStopping = false
        var isAbandoned = false
        var hasFailed = false
        var isPaused = false
        var endsEverywhere = false
        var sessions: [SessionWaker] = []
    }

    private let state = Mutex(State())

    /// Finish what is at hand, commit, and end.
    func stop() {
        state.withLock { state in
            state.isStopping = true
            for waker in state.sessions { waker.wake() }
        }
    }

    /// End without a commit.
    func abandon() {
        state.withLock { $0.isAbandoned = true }
        stop()
    }

    /// End without a commit, since a worker has failed; the app may recover.
    func fail() {
        state.withLock { state in
            state.hasFailed = true
            for waker in state.sessions { waker.wake() }
        }
    }

    /// Ask the group to end the app on all its instances.
    func stopEverywhere() {
        state.withLock { state in
            state.endsEverywhere = true
            for waker in state.sessions { waker.wake() }
        }
    }

    /// Lets new workers run after a failure.
    ///
    /// - Returns: `false` when the app was told to stop.
    func recover() -> Bool {
        state.withLock { state in
            if !state.isStopping { state.hasFailed = false }
            return !state.isStopping
        }
    }

    /// Process nothing until further notice.
    func pause(_ isPaused: Bool) {
        state.withLock { state in
            state.isPaused = isPaused
            for waker in state.sessions { waker.wake() }
        }
    }

    var isStopping: Bool { state.withLock { $0.isStopping || $0.hasFailed } }
    var isAbandoned: Bool { state.withLock { $0.isAbandoned || $0.hasFailed } }
    var isPaused: Bool { state.withLock { $0.isPaused } }
    /// Whether the group is to be asked to end the app on all its instances.
    var endsEverywhere: Bool { state.withLock { $0.endsEverywhere } }
    /// Whether the app was told to stop, as against a worker that failed.
    var isStoppedByApp: Bool { state.withLock { $0.isStopping } }

    /// Lets a session be woken, until it is closed.
    func add(_ session: any TransportSession) {
        let waker = SessionWaker(session)
        state.withLock { $0.sessions.append(waker) }
    }

    func remove(_ session: any TransportSession) {
        state.withLock { state in state.sessions.removeAll { $0.isOf(session) } }
    }

    /// Makes all waiting workers look around.
    func wakeAll() {
        state.withLock { state in for waker in state.sessions { waker.wake() } }
    }
}
