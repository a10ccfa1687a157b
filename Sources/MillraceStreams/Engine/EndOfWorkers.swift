import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Waits for all workers of an app, or whatever else runs on threads of its own, and keeps the first error of any.
final class EndOfWorkers: @unchecked Sendable {
    // Guarded by `mutex`; `ended` is signalled when `left` becomes 0.
    private var left: Int
    private var error: (any Error)?
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let ended = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    private let threads: (any WorkThreads)?

    /// - Parameter threads: Where the workers' threads come from; the system when `nil`.
    init(count: Int, threads: (any WorkThreads)? = nil) {
        left = count
        self.threads = threads
        pthread_mutex_init(mutex, nil)
        // A wall clock that jumps must not keep anybody waiting.
        #if canImport(Glibc)
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(ended, &attributes)
            pthread_condattr_destroy(&attributes)
        #else
            pthread_cond_init(ended, nil)
        #endif
    }

    deinit {
        pthread_cond_destroy(ended)
        pthread_mutex_destroy(mutex)
        ended.deallocate()
        mutex.deallocate()
    }

    var firstError: (any Error)? { locked { error } }

    /// One more is to be waited for.
    func add() { locked { left += 1 } }

    /// Notes that a worker has ended.
    ///
    /// - Parameter onFailure: Called when it failed, before anybody is told that it ended.
    func note(_ result: Result<Void, any Error>, orElse onFailure: () -> Void) {
        if case .failure = result { onFailure() }
        locked {
            if case .failure(let failure) = result, error == nil { error = failure }
            left -= 1
            if left == 0 { pthread_cond_broadcast(ended) }
        }
    }

    /// Waits until all have ended, at most this long.
    ///
    /// - Returns: Whether all have.
    func wait(for duration: Duration) -> Bool {
        if let threads { return threads.wait(for: duration) { locked { left == 0 } } }
        var deadline = timespec()
        #if canImport(Glibc)
            clock_gettime(CLOCK_MONOTONIC, &deadline)
        #endif
        let (seconds, attoseconds) = duration.components
        deadline.tv_sec += Int(seconds)
        deadline.tv_nsec += Int(attoseconds / 1_000_000_000)
        if deadline.tv_nsec >= 1_000_000_000 {
            (deadline.tv_sec, deadline.tv_nsec) = (deadline.tv_sec + 1, deadline.tv_nsec - 1_000_000_000)
        }
        return locked {
            while left > 0 {
                #if canImport(Glibc)
                    if pthread_cond_timedwait(ended, mutex, &deadline) != 0 { break }
                #else
                    if pthread_cond_timedwait_relative_np(ended, mutex, &deadline) != 0 { break }
                #endif
            }
            return left == 0
        }
    }

    func waitForAll() {
        if threads != nil {
            while !wait(for: .seconds(10)) {}
            return
        }
        locked { while left > 0 { pthread_cond_wait(ended, mutex) } }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
