import Synchronization

/// Hands the result of a thread to a Swift task that waits for it.
final class Finish: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Result<Void, any Error>, Never>)
        case done(Result<Void, any Error>)
    }

    private let state = Mutex(State.open)

    func complete(_ result: Result<Void, any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<Result<Void, any Error>, Never>? in
            defer { state = .done(result) }
            guard case .awaited(let continuation) = state else { return nil }
            return continuation
        }
        waiting?.resume(returning: result)
    }

    func result() async -> Result<Void, any Error> {
        await withCheckedContinuation { continuation in
            let done = state.withLock { state -> Result<Void, any Error>? in
                if case .done(let result) = state { return result }
                state = .awaited(continuation)
                return nil
            }
            if let done { continuation.resume(returning: done) }
        }
    }
}
