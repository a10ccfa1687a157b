import Synchronization

/// The one place where work is started on Swift's cooperative threads: asynchronous closures of the app, which suspend and do not block. What starts them is a thread of ours, which
/// has no task to inherit from, and whoever started one cancels it; the answer goes into a mailbox.
enum AsyncCall {
    /// Starts `body`, and puts what it returns or throws where the worker will find it.
    ///
    /// - Parameter executor: Where it runs; `nil` for Swift's threads.
    /// - Returns: Cancels the call.
    static func start<Answer: Sendable>(
        on executor: CallExecutor?, _ body: @escaping @Sendable () async throws -> Answer,
        answer: @escaping @Sendable (Result<Answer, any Error>) -> Void
    ) -> @Sendable () -> Void {
        let task = Task(executorPreference: executor) {
            let result: Result<Answer, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            answer(result)
        }
        return { task.cancel() }
    }
}

/// Answers on their way from Swift's threads to the worker's.
final class CallMailbox<Answer: Sendable>: Sendable {
    /// What an attempt of a call came to.
    struct Letter: Sendable {
        let call: Int
        let attempt: Int
        let result: Result<Answer, any Error>
    }

    private let letters = Mutex<[Letter]>([])
    private let signal: CallSignal

    init(_ signal: CallSignal) {
        self.signal = signal
    }

    func put(_ letter: Letter) {
        letters.withLock { $0.append(letter) }
        signal.ring()
    }

    func takeAll() -> [Letter] {
        letters.withLock { letters in
            defer { letters = [] }
            return letters
        }
    }
}
