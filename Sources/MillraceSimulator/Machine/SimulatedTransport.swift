import MillraceCore
import MillraceLog
import MillraceTestKit

/// The embedded log, where reading and committing are the moments at which another thread may go on, and waiting takes simulated time.
final class SimulatedTransport: WrappedTransport {
    let log: EmbeddedLog
    var wrapped: any Transport { log }
    private let machine: SimulatedMachine
    private let canary: Canary?
    private let promises: Promises

    init(_ log: EmbeddedLog, on machine: SimulatedMachine, promises: Promises, canary: Canary?) {
        self.log = log
        self.machine = machine
        self.canary = canary
        self.promises = promises
    }

    func openSession(named name: String, group: String) throws -> any TransportSession {
        SimulatedSession(
            try log.openSession(named: name, group: group), group, machine, promises, group == SimulatedApp.id ? canary : nil)
    }
}

private final class SimulatedSession: WrappedSession, @unchecked Sendable {
    let wrapped: any TransportSession
    private let group: String
    private let machine: SimulatedMachine
    private let promises: Promises
    private let canary: Canary?
    private var commits = 0
    /// Only one thread runs at a time.
    private var isWoken = false

    init(
        _ session: any TransportSession, _ group: String, _ machine: SimulatedMachine, _ promises: Promises, _ canary: Canary?
    ) {
        wrapped = session
        self.group = group
        self.promises = promises
        self.machine = machine
        self.canary = canary
    }

    func wake() { isWoken = true }

    func poll(maxBytes: Int, timeout: Duration) throws -> [FetchedBatches] {
        machine.threads.letGo()
        let deadline = machine.clock.monotonicNanoseconds() + UInt64(max(0, timeout.milliseconds)) * 1_000_000
        while true {
            try machine.check()
            let seen = machine.commits
            let fetched = try wrapped.poll(maxBytes: maxBytes, timeout: .zero)
            let now = machine.clock.monotonicNanoseconds()
            if !fetched.isEmpty || isWoken || now >= deadline {
                isWoken = false
                return fetched
            }
            _ = machine.threads.wait(for: .nanoseconds(Int64(deadline - now) + 1_000_000)) { [self] in
                isWoken || machine.commits != seen || machine.disk.hasCrashed
            }
        }
    }

    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset]) throws -> [Offset] {
        machine.threads.letGo()
        try machine.check()
        commits += 1
        let firsts = try wrapped.commit(outputs, offsets: canary?.offsets(offsets, commit: commits) ?? offsets)
        promises.note(outputs, at: firsts, offsets: offsets, group: group)
        machine.noteCommit()
        // Others go on before the state is written.
        machine.threads.letGo()
        return firsts
    }
}
