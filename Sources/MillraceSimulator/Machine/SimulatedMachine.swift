import MillraceCore
import MillraceLog
import MillraceStreams
import Synchronization

/// Disk, database, clock and threads of one process, from its start to its end.
final class SimulatedMachine: Sendable {
    let disk: SimulatedFileSystem
    let database: SimulatedDatabase
    let clock: SimulatedClock
    let threads: SimulatedThreads
    /// What closures of the topology ask whether to throw.
    let mood: Mood

    private struct State {
        var random: SeededNumbers
        var commits = 0
        var stalls: Stalls
    }
    private let state: Mutex<State>

    /// How often a call to the disk takes long.
    struct Stalls {
        /// One call in so many; 0 for none.
        var oneIn = 0
        var longest = Duration.zero
    }

    init(
        disk: SimulatedFileSystem, database: SimulatedDatabase, clock: SimulatedClock, seed: UInt64, stalls: Stalls = Stalls(),
        throwsOneIn: Int = 0
    ) {
        self.disk = disk
        self.database = database
        self.clock = clock
        threads = SimulatedThreads(clock, seed: seed)
        mood = Mood(seed: seed, throwsOneIn: throwsOneIn)
        state = Mutex(State(random: SeededNumbers(seed, stream: 3), stalls: stalls))
        disk.beforeEachCall { [weak self] in self?.passTime() }
    }

    /// A call to the disk takes its time.
    private func passTime() {
        let nanoseconds = state.withLock { state -> UInt64 in
            if state.stalls.oneIn > 0, state.random.oneIn(state.stalls.oneIn) {
                return UInt64(state.random.below(Int(state.stalls.longest.milliseconds) + 1)) * 1_000_000
            }
            return UInt64(state.random.below(200_000))
        }
        clock.advance(by: nanoseconds)
    }

    /// How many commits there were: what those that wait for records look at.
    var commits: Int { state.withLock { $0.commits } }

    func noteCommit() {
        state.withLock { $0.commits += 1 }
    }

    /// - Throws: When the process is gone, or has been at it for too long.
    func check() throws {
        if disk.hasCrashed { throw MillraceError(.transport, "The simulated process has crashed.") }
        if threads.turns > 400_000 {
            disk.crash()
            throw MillraceError(.transport, Self.endlessMessage)
        }
    }

    static let endlessMessage = "The simulated process does not come to an end."
}

/// Whether closures of a topology throw, now and then.
final class Mood: Sendable {
    private let random: Mutex<SeededNumbers>
    private let throwsOneIn: Int

    /// - Parameter throwsOneIn: One call in so many throws; none for 0.
    init(seed: UInt64, throwsOneIn: Int) {
        random = Mutex(SeededNumbers(seed, stream: 5))
        self.throwsOneIn = throwsOneIn
    }

    /// Closures that never throw.
    static let good = Mood(seed: 0, throwsOneIn: 0)

    struct Spoilt: Error {}

    func check() throws {
        if throwsOneIn > 0, random.withLock({ $0.oneIn(throwsOneIn) }) { throw Spoilt() }
    }
}
