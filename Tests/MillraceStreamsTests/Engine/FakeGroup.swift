import Millrace
import MillraceTestKit
import Synchronization

/// The embedded log with a group that shares tasks out over members as chance will have it, puts members out in between, and does not say what became of commits: what a cluster
/// does at its worst.
///
/// It keeps to the protocol: a task goes to a member only when no other one reports it, unless that one was put out; commits of those that were change nothing.
final class FakeGroup: WrappedTransport {
    struct Member {
        var process: TopicID
        var wanted = TaskAssignment()
        var offered: TaskAssignment?
        var held = TaskAssignment()
        /// Active tasks that it was offered, or told of, and has not reported to be without since.
        var mayHave: Set<TaskID> = []
    }

    struct State {
        var numbers: SeededNumbers
        var members: [Int: Member] = [:]
        var nextMember = 0
        var tasks: [TaskID] = []
        var reassignmentsLeft: Int
        var reassignments = 0
        var fencings = 0
        var unknownOutcomes = 0
        var positions: [TaskID: Int64] = [:]
        var standbys = true
        /// Whom a task goes to; at random where it says nothing.
        var places: [TaskID: Int] = [:]
        var isOver = false
    }

    let log: EmbeddedLog
    var wrapped: any Transport { log }
    private let state: Mutex<State>

    /// - Parameter reassignments: How often tasks are dealt anew before the group comes to rest.
    init(_ log: EmbeddedLog, seed: UInt64, reassignments: Int) {
        self.log = log
        state = Mutex(State(numbers: SeededNumbers(seed: seed), reassignmentsLeft: reassignments))
    }

    var sharesTasks: Bool { true }
    var fencings: Int { state.withLock { $0.fencings } }
    var unknownOutcomes: Int { state.withLock { $0.unknownOutcomes } }
    var reassignments: Int { state.withLock { $0.reassignments } }
    var isAtRest: Bool { state.withLock { $0.reassignmentsLeft == 0 } }
    var positions: [TaskID: Int64] { state.withLock { $0.positions } }
    var members: [Int: Member] { state.withLock { $0.members } }

    /// Deals the tasks anew.
    func reassign(_ places: [TaskID: Int] = [:]) {
        state.withLock { state in
            state.places = places
            deal(&state)
        }
    }

    /// Puts a member out.
    func putOut(_ member: Int) {
        state.withLock { state in
            state.members[member] = nil
            state.fencings += 1
            deal(&state)
        }
    }

    fileprivate func join(_ declaration: GroupDeclaration) throws -> Int {
        var tasks: [TaskID] = []
        for part in declaration.subtopologies {
            let topics = part.sourceTopics + part.repartitionSourceTopics.map(\.name)
            let count = try topics.compactMap { try log.describeTopic($0)?.partitions }.max() ?? 0
            tasks += (0..<count).map { TaskID(subtopology: part.id, partition: $0) }
        }
        return state.withLock { state in
            state.tasks = tasks
            state.nextMember += 1
            state.members[state.nextMember] = Member(process: declaration.processID)
            deal(&state)
            return state.nextMember
        }
    }

    fileprivate func end() { state.withLock { $0.isOver = true } }

    fileprivate func leave(_ member: Int) {
        state.withLock { state in
            guard state.members.removeValue(forKey: member) != nil else { return }
            deal(&state)
        }
    }

    fileprivate func assignment(of member: Int) throws -> TaskAssignment? {
        try state.withLock { state in
            if state.reassignmentsLeft > 0, state.numbers.next() % 12 == 0 {
                state.reassignmentsLeft -= 1
                state.reassignments += 1
                if state.numbers.next() % 4 == 0, let victim = state.members.keys.sorted().randomElement(using: &state.numbers) {
                    state.members[victim] = nil
                    state.fencings += 1
                }
                deal(&state)
            }
            try check(member, state)
            if state.isOver { throw MillraceError(.cancelled, "A member asked for the end.") }
            let others = state.members.filter { $0.key != member }.values.map(\.mayHave).reduce(into: Set()) { $0.formUnion($1) }
            var offer = state.members[member]?.wanted ?? TaskAssignment()
            offer.active.subtract(others)
            guard offer != state.members[member]?.offered else { return nil }
            state.members[member]?.offered = offer
            state.members[member]?.mayHave.formUnion(offer.active)
            return offer
        }
    }

    fileprivate func report(_ member: Int, _ held: TaskAssignment, _ positions: [TaskID: Int64]) {
        state.withLock { state in
            state.members[member]?.held = held
            let offered = state.members[member]?.offered?.active ?? []
            state.members[member]?.mayHave = held.active.union(offered)
            state.positions.merge(positions, uniquingKeysWith: max)
        }
    }

    /// Runs a commit, which no change of the group can come between.
    fileprivate func commit(as member: Int, _ body: () throws -> [Offset]) throws -> [Offset] {
        try state.withLock { state in
            try check(member, state)
            if state.reassignmentsLeft > 0, state.numbers.next() % 16 == 0 {
                state.unknownOutcomes += 1
                if state.numbers.next() % 2 == 0 { _ = try body() }
                throw MillraceError(.transport, "Whether it was committed is not known.", isRetriable: true)
            }
            let result = try body()
            // The member dies behind its commit, or that is how it looks to it.
            if state.reassignmentsLeft > 0, state.numbers.next() % 16 == 0 {
                state.members[member] = nil
                state.fencings += 1
                deal(&state)
                try check(member, state)
            }
            return result
        }
    }

    private func check(_ member: Int, _ state: borrowing State) throws {
        guard state.members[member] == nil else { return }
        throw MillraceError(.fenced, "Member \(member) is not one of the group any more.")
    }

    private func deal(_ state: inout State) {
        let ids = state.members.keys.sorted()
        for id in ids { state.members[id]?.wanted = TaskAssignment() }
        guard !ids.isEmpty else { return }
        for task in state.tasks {
            let place = state.places[task].flatMap { ids.contains($0) ? $0 : nil } ?? ids[Int(state.numbers.next() % UInt64(ids.count))]
            state.members[place]?.wanted.active.insert(task)
            let standby = ids[Int(state.numbers.next() % UInt64(ids.count))]
            // A process that runs a task has its state at hand anyway.
            if state.members[standby]?.process != state.members[place]?.process {
                if state.numbers.next() % 2 == 0 {
                    state.members[standby]?.wanted.standby.insert(task)
                } else {
                    state.members[standby]?.wanted.warmUp.insert(task)
                }
            }
        }
    }

    func openSession(named name: String, group: String) throws -> any TransportSession {
        FakeGroupSession(try log.openSession(named: name, group: group), self)
    }
}

private final class FakeGroupSession: WrappedSession {
    let wrapped: any TransportSession
    private let group: FakeGroup
    private var membership: FakeMembership?

    init(_ session: any TransportSession, _ group: FakeGroup) {
        wrapped = session
        self.group = group
    }

    func join(_ declaration: GroupDeclaration) throws -> (any GroupMembership)? {
        let membership = FakeMembership(group, try group.join(declaration))
        self.membership = membership
        return membership
    }

    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset]) throws -> [Offset] {
        guard let member = membership?.member else { return try wrapped.commit(outputs, offsets: offsets) }
        return try group.commit(as: member) { try wrapped.commit(outputs, offsets: offsets) }
    }

    /// Waits for moments only, since the fake wakes nobody.
    func poll(maxBytes: Int, timeout: Duration) throws -> [FetchedBatches] {
        try wrapped.poll(maxBytes: min(maxBytes, 512), timeout: min(timeout, .milliseconds(5)))
    }
}

private final class FakeMembership: GroupMembership {
    let group: FakeGroup
    let member: Int

    init(_ group: FakeGroup, _ member: Int) {
        self.group = group
        self.member = member
    }

    func changedAssignment() throws -> TaskAssignment? { try group.assignment(of: member) }
    func report(_ held: TaskAssignment, positions: [TaskID: Int64]) { group.report(member, held, positions) }
    func shutDownApplication() { group.end() }
    func leave() { group.leave(member) }
}
