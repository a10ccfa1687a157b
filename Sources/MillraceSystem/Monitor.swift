#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A lock of the system's threads, on which `Condition`s can wait.
package final class Monitor: @unchecked Sendable {
    fileprivate let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    package init() {
        mutex.initialize(to: pthread_mutex_t())
        let result = pthread_mutex_init(mutex, nil)
        precondition(result == 0, "a mutex can be made")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` while no other thread is inside.
    package func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }
}

/// Something that a thread inside a monitor can wait for and another can announce.
package final class Condition: @unchecked Sendable {
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let monitor: Monitor

    package init(of monitor: Monitor) {
        self.monitor = monitor
        condition.initialize(to: pthread_cond_t())
        #if canImport(Glibc)
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #else
            pthread_cond_init(condition, nil)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
    }

    /// Leaves the monitor until `signal` or until `deadline`, in nanoseconds of the monotonic clock; may also return for no reason. Call it inside the monitor.
    package func wait(until deadline: UInt64) {
        #if canImport(Glibc)
            var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
            pthread_cond_timedwait(condition, monitor.mutex, &time)
        #else
            let now = clock_gettime_nsec_np(CLOCK_UPTIME_RAW)
            let rest = deadline > now ? deadline - now : 0
            var time = timespec(tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
            pthread_cond_timedwait_relative_np(condition, monitor.mutex, &time)
        #endif
    }

    /// Leaves the monitor until `signal`; may also return for no reason. Call it inside the monitor.
    package func wait() {
        pthread_cond_wait(condition, monitor.mutex)
    }

    /// Lets all that wait go on.
    package func signal() {
        pthread_cond_broadcast(condition)
    }

    /// Now, on the clock of `wait(until:)`.
    package static func now() -> UInt64 {
        #if canImport(Glibc)
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        #else
            return clock_gettime_nsec_np(CLOCK_UPTIME_RAW)
        #endif
    }
}
