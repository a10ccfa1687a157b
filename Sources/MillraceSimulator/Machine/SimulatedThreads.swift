import MillraceCore
import MillraceStreams
import MillraceSystem

/// Threads of which one runs at a time, until it lets go; which one goes on then is decided by a seed.
///
/// They are threads of the system, so that what runs on them is what runs in production; but all except one wait. Time passes when all of them wait for it.
final class SimulatedThreads: WorkThreads, @unchecked Sendable {
    private struct Place {
        let turn: Condition
        var hasEnded = false
        /// What it waits for, and until when; neither while it could go on.
        var isReady: (() -> Bool)?
        var deadline: UInt64?
    }

    private let clock: SimulatedClock
    private let monitor = Monitor()
    // Under the monitor.
    private var threads: [Place]
    private var current = 0
    private var random: SeededNumbers
    private var handles: [BackgroundThread] = []
    /// How often a thread has let go.
    private(set) var turns = 0

    /// The calling thread is the first one.
    init(_ clock: SimulatedClock, seed: UInt64) {
        self.clock = clock
        random = SeededNumbers(seed, stream: 7)
        threads = [Place(turn: Condition(of: monitor))]
    }

    func start(_ body: @escaping @Sendable () -> Void) {
        monitor.locked {
            let number = threads.count
            threads.append(Place(turn: Condition(of: monitor)))
            handles.append(
                BackgroundThread { [self] in
                    monitor.locked { waitForTurn(number) }
                    body()
                    monitor.locked {
                        threads[number].hasEnded = true
                        passOn()
                    }
                })
        }
    }

    /// Lets another thread go on, perhaps.
    func letGo() {
        monitor.locked {
            let number = current
            passOn()
            waitForTurn(number)
        }
    }

    func wait(for duration: Duration, until isDone: () -> Bool) -> Bool {
        withoutActuallyEscaping(isDone) { isDone in
            monitor.locked {
                if isDone() { return true }
                let number = current
                threads[number].isReady = isDone
                threads[number].deadline = clock.monotonicNanoseconds() + UInt64(max(0, duration.milliseconds)) * 1_000_000
                passOn()
                waitForTurn(number)
                threads[number].isReady = nil
                threads[number].deadline = nil
                return isDone()
            }
        }
    }

    /// Lets time pass.
    func sleep(for duration: Duration) {
        _ = wait(for: duration) { false }
    }

    /// Waits until only the calling thread is left.
    func waitForOthers() {
        let me = monitor.locked { current }
        while !wait(for: .seconds(3600), until: { self.threads.indices.allSatisfy { $0 == me || self.threads[$0].hasEnded } }) {}
        let ended = monitor.locked { () -> [BackgroundThread] in
            defer { handles.removeAll() }
            return handles
        }
        for thread in ended { thread.join() }
    }

    /// Under the monitor.
    private func waitForTurn(_ number: Int) {
        while current != number { threads[number].turn.wait() }
    }

    /// Under the monitor.
    private func passOn() {
        turns += 1
        current = next()
        threads[current].turn.signal()
    }

    private func next() -> Int {
        while true {
            let now = clock.monotonicNanoseconds()
            let ready = threads.indices.filter { number in
                let thread = threads[number]
                guard !thread.hasEnded else { return false }
                guard let deadline = thread.deadline else { return true }
                return deadline <= now || thread.isReady?() ?? false
            }
            if !ready.isEmpty { return ready[random.below(ready.count)] }
            let deadlines = threads.compactMap { $0.hasEnded ? nil : $0.deadline }
            precondition(!deadlines.isEmpty, "the thread that runs the simulation ends last")
            clock.advance(to: deadlines.min() ?? now)
        }
    }
}
