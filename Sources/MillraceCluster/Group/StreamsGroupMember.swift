import MillraceCore
import MillraceWire

/// What a member of a streams group knows, and what it says next: the protocol without a connection, a clock or a thread.
///
/// It is told answers and the time, in nanoseconds of a clock that only grows, and says what to do.
struct StreamsGroupMember {
    /// What is to be done now.
    enum Action {
        /// Send this to the coordinator, and tell the answer or the failure.
        case send(StreamsGroupHeartbeatRequest)
        /// Ask again at this time, or when something was changed.
        case wait(until: UInt64)
        /// Nothing more: the member has left, or was put out.
        case end
    }

    private enum Phase {
        case joining
        case joined
        case leaving
        case over
    }

    let group: String
    let memberID: String
    /// The epoch that commits have to carry.
    private(set) var epoch = StreamsGroupHeartbeatRequest.joining
    private let introduction: StreamsGroupHeartbeatRequest.Introduction
    private var phase = Phase.joining
    private var target: TaskAssignment?
    private var targetIsNew = false
    private var held = TaskAssignment()
    /// What the group was last told that the member holds; `nil` when it may not have heard it.
    private var told: TaskAssignment? = TaskAssignment()
    private var wantsShutDown = false
    private var failure: MillraceError?
    private var status: [StreamsGroupHeartbeatResponse.Status] = []
    private var due: UInt64 = 0
    private var failedAttempts = 0
    /// What was said in the request that is under way.
    private var telling: TaskAssignment?
    /// How often the worker has reported, how many of these reports the request under way goes with, and how many the group has heard of.
    private var reports = (made: 0, telling: 0, told: 0)

    init(group: String, memberID: String, _ introduction: StreamsGroupHeartbeatRequest.Introduction) {
        self.group = group
        self.memberID = memberID
        self.introduction = introduction
    }

    /// Whether the group knows the member, so that commits may carry its epoch.
    var isJoined: Bool { phase == .joined }

    /// What keeps the group from working at the moment.
    var complaints: [String] { status.filter { $0.kind != .assignmentDelayed }.map { "\($0.detail)" } }

    /// What to do at `now`.
    mutating func next(at now: UInt64) -> Action {
        switch phase {
        case .over: return .end
        case .leaving:
            phase = .over
            guard epoch > 0 else { return .end }
            return .send(StreamsGroupHeartbeatRequest(group: group, memberID: memberID, memberEpoch: StreamsGroupHeartbeatRequest.leaving))
        case .joining:
            guard now >= due else { return .wait(until: due) }
            telling = TaskAssignment()
            return .send(
                StreamsGroupHeartbeatRequest(
                    group: group, memberID: memberID, memberEpoch: StreamsGroupHeartbeatRequest.joining, introduction: introduction,
                    held: TaskAssignment()))
        case .joined:
            // A report is told even if it says nothing new: the group waits for word of what it has taken away, also from a member that had not yet taken it up.
            let hasReport = told != held || reports.told != reports.made
            let hasNews = hasReport || wantsShutDown
            guard now >= due || (hasNews && failedAttempts == 0) else { return .wait(until: due) }
            telling = held
            reports.telling = reports.made
            return .send(
                StreamsGroupHeartbeatRequest(
                    group: group, memberID: memberID, memberEpoch: epoch, held: hasReport ? held : nil,
                    shutsDownApplication: wantsShutDown))
        }
    }

    /// Takes the coordinator's answer.
    mutating func received(_ response: StreamsGroupHeartbeatResponse, at now: UInt64) {
        guard phase != .over, phase != .leaving else { return }
        switch response.error {
        case .none: accept(response, at: now)
        case .fencedMemberEpoch, .unknownMemberID:
            end(
                MillraceError(
                    .fenced,
                    "Group \(group) has put this member out (\(response.error)): it was not heard of for longer than the session timeout, or took too long to give up tasks."
                ))
        case let error where error.isRetriable: failed(at: now)
        case .groupAuthorizationFailed, .topicAuthorizationFailed, .clusterAuthorizationFailed:
            end(
                MillraceError(
                    .configuration,
                    "The broker does not allow this client to be in group \(group) (\(response.error)\(response.message.map { ": \($0)" } ?? "")). Give it the operations READ on the group, and DESCRIBE and READ on its topics."
                ))
        case let error:
            var reason = response.message ?? "the broker says no more"
            if reason.hasSuffix(".") { reason.removeLast() }
            end(
                MillraceError(
                    .configuration,
                    "Group \(group) does not accept this app (\(error)): \(reason).\(StreamsGroupMember.advice(for: error))"
                ))
        }
    }

    /// The coordinator could not be asked, or is not the coordinator: asks again after a while that grows.
    mutating func failed(at now: UInt64) {
        // What was told may or may not have been heard, so it is told again.
        if phase == .joined { told = nil }
        due = now + min(100_000_000 << UInt64(min(failedAttempts, 7)), 5_000_000_000)
        failedAttempts += 1
    }

    /// What keeps the member from ever being one.
    mutating func end(_ error: MillraceError) {
        guard phase != .over else { return }
        phase = .over
        failure = error
        epoch = StreamsGroupHeartbeatRequest.joining
    }

    /// The assignment, if it is new.
    mutating func changedAssignment() throws(MillraceError) -> TaskAssignment? {
        if let failure { throw failure }
        guard targetIsNew else { return nil }
        targetIsNew = false
        return target
    }

    /// Whether there is something that the worker should look at.
    var hasNews: Bool { targetIsNew || failure != nil }

    /// The worker holds these tasks now.
    mutating func report(_ tasks: TaskAssignment) {
        held = tasks
        reports.made += 1
    }

    mutating func shutDownApplication() { wantsShutDown = true }

    mutating func leave() {
        if phase != .over { phase = .leaving }
    }

    private mutating func accept(_ response: StreamsGroupHeartbeatResponse, at now: UInt64) {
        epoch = response.memberEpoch
        phase = .joined
        failedAttempts = 0
        wantsShutDown = false
        told = telling
        reports.told = reports.telling
        due = now + UInt64(max(response.heartbeatIntervalMilliseconds, 1)) * 1_000_000
        if let assignment = response.assignment {
            // Told again and again until it is acknowledged; only a change is news.
            if assignment != target { targetIsNew = true }
            target = assignment
        }
        if let status = response.status { self.status = status }
        for state in response.status ?? [] {
            switch state.kind {
            case .shutDownApplication:
                // It stays a member, so that it can commit before it leaves.
                failure = MillraceError(.cancelled, "A member of group \(group) asked for the end of the whole app: \(state.detail)")
            case .missingSourceTopics:
                end(
                    MillraceError(
                        .configuration,
                        "Group \(group) cannot share out tasks: \(state.detail) Create what is missing, and start the app again. Where a topic was deleted and is made anew, the group's offsets and the app's state are of the old one: start with a new application id, or delete both."
                    ))
            case .incorrectlyPartitionedTopics:
                end(
                    MillraceError(
                        .configuration,
                        "Group \(group) cannot share out tasks: \(state.detail) The app's own topics have as many partitions as its input had when they were made; keys would be found in other partitions now. Write to a new topic with the number of partitions that is needed, and read that with a new application id."
                    ))
            case .staleTopology, .missingInternalTopics, .assignmentDelayed, .other: break
            }
        }
    }

    private static func advice(for error: WireError) -> String {
        switch error {
        case .streamsInvalidTopologyEpoch, .streamsTopologyFenced, .streamsInvalidTopology:
            " All members of a group run the same topology: stop the others before this one is started."
        case .groupIDNotFound:
            " Members of another kind, such as those of Kafka Streams with group.protocol=classic, may be in it still: wait until they have left."
        case .invalidRequest:
            " If another program made this group, or an older form of this one: a group keeps its first topology. Use another application id, or see docs/kafka.md."
        case .groupMaxSizeReached: " Raise group.streams.max.size of the brokers, or run fewer threads."
        default: ""
        }
    }
}
