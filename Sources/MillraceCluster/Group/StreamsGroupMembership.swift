import MillraceCore
import MillraceSystem
import MillraceWire

/// A member of a streams group that is alive: a thread of its own keeps telling the coordinator so, however long the worker takes for its work.
package final class StreamsGroupMembership: GroupMembership, @unchecked Sendable {
    private let monitor = Monitor()
    private let changed: Condition
    private var member: StreamsGroupMember
    private var thread: BackgroundThread?
    private let logger: MillraceLogger
    private let onChange: @Sendable () -> Void
    private var complaints: [String] = []
    /// The member's id, which commits carry.
    package let memberID: String

    init(
        _ member: StreamsGroupMember, connection: ClusterConnection, logger: MillraceLogger, onChange: @escaping @Sendable () -> Void
    ) {
        self.member = member
        self.logger = logger
        self.onChange = onChange
        memberID = member.memberID
        changed = Condition(of: monitor)
        let connection = Handed(value: connection)
        thread = BackgroundThread { [self] in live(with: connection.value) }
    }

    /// What goes to the thread and is not touched by the one that made it any more.
    private struct Handed<Value>: @unchecked Sendable {
        let value: Value
    }

    /// The epoch that commits carry, which the group raises when tasks move; `nil` when the member is not in the group.
    package var memberEpoch: Int32? {
        monitor.locked { member.isJoined ? member.epoch : nil }
    }

    package func changedAssignment() throws -> TaskAssignment? {
        try monitor.locked { try member.changedAssignment() }
    }

    package func report(_ held: TaskAssignment, positions: [TaskID: Int64]) {
        tell { $0.report(held) }
    }

    package func shutDownApplication() {
        tell { $0.shutDownApplication() }
    }

    package func leave() {
        tell { $0.leave() }
        let running = monitor.locked {
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    private func tell(_ body: (inout StreamsGroupMember) -> Void) {
        monitor.locked {
            body(&member)
            changed.signal()
        }
    }

    /// The thread's work.
    private func live(with connection: ClusterConnection) {
        while true {
            let action = monitor.locked { member.next(at: Condition.now()) }
            switch action {
            case .end: return
            case .wait(let time):
                monitor.locked {
                    // Something may have been told between the two.
                    if case .wait = member.next(at: Condition.now()) { changed.wait(until: time) }
                }
            case .send(let request):
                exchange(request, over: connection)
                if monitor.locked({ member.hasNews }) { onChange() }
            }
        }
    }

    private func exchange(_ request: StreamsGroupHeartbeatRequest, over connection: ClusterConnection) {
        do throws(MillraceError) {
            let coordinator = try connection.coordinator(of: request.group)
            let response = try connection.send(request, to: coordinator)
            if response.error == .notCoordinator || response.error == .coordinatorNotAvailable {
                connection.forgetCoordinator(of: request.group)
            }
            let now = monitor.locked {
                member.received(response, at: Condition.now())
                return member.complaints
            }
            sayOnce(now)
        } catch {
            connection.forgetCoordinator(of: request.group)
            guard error.isRetriable else {
                monitor.locked { member.end(error) }
                return
            }
            monitor.locked { member.failed(at: Condition.now()) }
            sayOnce(["the group's coordinator cannot be asked: \(error.message)"])
        }
    }

    /// Complaints are repeated with every answer, and logged when they change.
    private func sayOnce(_ complaints: [String]) {
        guard complaints != self.complaints else { return }
        self.complaints = complaints
        for complaint in complaints {
            logger.log(.warning, "The group of this app is not well", ("reason", complaint), ("member", memberID))
        }
    }
}
