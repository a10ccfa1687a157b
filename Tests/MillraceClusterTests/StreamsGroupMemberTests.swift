import MillraceCore
import MillraceWire
import Testing

@testable import MillraceCluster

/// The member's side of the streams group protocol, answer by answer.
@Suite struct StreamsGroupMemberTests {
    static let tasks = TaskAssignment(active: [TaskID(subtopology: 0, partition: 0), TaskID(subtopology: 0, partition: 1)])

    private func makeMember() throws -> StreamsGroupMember {
        let declaration = GroupDeclaration(subtopologies: [], processID: TopicID(high: 1, low: 2), endpoint: "host:8080")
        return StreamsGroupMember(
            group: "app", memberID: "member", try StreamsGroupHeartbeatRequest.Introduction(declaration, rebalanceTimeoutMilliseconds: 1000)
        )
    }

    private func sent(_ member: inout StreamsGroupMember, at now: UInt64) throws -> StreamsGroupHeartbeatRequest {
        guard case .send(let request) = member.next(at: now) else {
            Issue.record("nothing is sent at \(now)")
            throw MillraceError(.transport, "nothing is sent")
        }
        return request
    }

    private func isWaiting(_ member: inout StreamsGroupMember, at now: UInt64, until time: UInt64) -> Bool {
        if case .wait(until: time) = member.next(at: now) { true } else { false }
    }

    private func joined(at now: UInt64 = 0, epoch: Int32 = 3) throws -> StreamsGroupMember {
        var member = try makeMember()
        _ = try sent(&member, at: now)
        member.received(
            StreamsGroupHeartbeatResponse(memberEpoch: epoch, heartbeatIntervalMilliseconds: 5, assignment: StreamsGroupMemberTests.tasks),
            at: now)
        return member
    }

    @Test func theFirstRequestIntroducesAndHoldsNothing() throws {
        var member = try makeMember()
        let request = try sent(&member, at: 0)
        #expect(request.memberEpoch == 0 && request.introduction?.endpoint == BrokerAddress(host: "host", port: 8080))
        #expect(request.held == TaskAssignment())
        #expect(!member.isJoined)
    }

    @Test func anAssignmentIsNewsOnce() throws {
        var member = try joined()
        #expect(member.isJoined && member.epoch == 3 && member.hasNews)
        #expect(try member.changedAssignment() == StreamsGroupMemberTests.tasks)
        #expect(try member.changedAssignment() == nil)
        _ = try sent(&member, at: 5_000_000)
        member.received(
            StreamsGroupHeartbeatResponse(memberEpoch: 3, heartbeatIntervalMilliseconds: 5, assignment: StreamsGroupMemberTests.tasks),
            at: 5_000_000)
        #expect(try member.changedAssignment() == nil, "the group repeats an assignment until it is acknowledged")
    }

    @Test func whatTheWorkerHoldsIsToldAtOnceAndOnlyWhenItChanges() throws {
        var member = try joined()
        #expect(isWaiting(&member, at: 1, until: 5_000_000))
        member.report(StreamsGroupMemberTests.tasks)
        #expect(try sent(&member, at: 1).held == StreamsGroupMemberTests.tasks)
        member.received(StreamsGroupHeartbeatResponse(memberEpoch: 4, heartbeatIntervalMilliseconds: 5), at: 1)
        #expect(isWaiting(&member, at: 2, until: 5_000_001))
        #expect(try sent(&member, at: 5_000_001).held == nil)
        #expect(member.epoch == 4)
    }

    /// The group counts a task as a member's from when it was offered. It waits for word when it takes the task away again, though the member never held it.
    @Test func aReportIsToldThoughItSaysNothingNew() throws {
        var member = try joined()
        member.report(TaskAssignment())
        #expect(try sent(&member, at: 1).held == TaskAssignment())
        // Made while the request is under way, and so not in it.
        member.report(TaskAssignment())
        member.received(
            StreamsGroupHeartbeatResponse(memberEpoch: 4, heartbeatIntervalMilliseconds: 5, assignment: TaskAssignment()), at: 1)
        #expect(try sent(&member, at: 2).held == TaskAssignment())
        member.received(StreamsGroupHeartbeatResponse(memberEpoch: 4, heartbeatIntervalMilliseconds: 5), at: 2)
        #expect(isWaiting(&member, at: 3, until: 5_000_002), "told once")
        #expect(try sent(&member, at: 5_000_002).held == nil)
    }

    @Test func whatMayNotHaveBeenHeardIsToldAgainAfterAGrowingWait() throws {
        var member = try joined()
        member.report(StreamsGroupMemberTests.tasks)
        _ = try sent(&member, at: 10)
        member.failed(at: 10)
        #expect(isWaiting(&member, at: 11, until: 100_000_010))
        #expect(try sent(&member, at: 100_000_010).held == StreamsGroupMemberTests.tasks)
        member.received(
            StreamsGroupHeartbeatResponse(error: .notCoordinator, memberEpoch: 0, heartbeatIntervalMilliseconds: 0), at: 100_000_010)
        #expect(isWaiting(&member, at: 100_000_011, until: 300_000_010))
        #expect(member.epoch == 3, "an error says nothing about the epoch")
    }

    @Test func aMemberThatIsPutOutSaysSoAndSendsNothingMore() throws {
        for error in [WireError.fencedMemberEpoch, .unknownMemberID] {
            var member = try joined()
            _ = try member.changedAssignment()
            member.received(StreamsGroupHeartbeatResponse(error: error, memberEpoch: 0, heartbeatIntervalMilliseconds: 0), at: 1)
            #expect(member.hasNews && !member.isJoined)
            #expect { try member.changedAssignment() } throws: { ($0 as? MillraceError)?.kind == .fenced }
            if case .end = member.next(at: 2) {} else { Issue.record("a member that is out still talks") }
        }
    }

    @Test func leavingIsSaidOnce() throws {
        var member = try joined()
        member.leave()
        #expect(try sent(&member, at: 1).memberEpoch == -1)
        if case .end = member.next(at: 2) {} else { Issue.record("a member that has left still talks") }
        var early = try makeMember()
        early.leave()
        if case .end = early.next(at: 0) {} else { Issue.record("a member that never joined has nothing to leave") }
    }

    @Test func theEndOfTheAppIsAskedForAndHeard() throws {
        var member = try joined()
        member.shutDownApplication()
        #expect(try sent(&member, at: 1).shutsDownApplication)
        let status = StreamsGroupHeartbeatResponse.Status(kind: .shutDownApplication, detail: "by member x")
        member.received(StreamsGroupHeartbeatResponse(memberEpoch: 3, heartbeatIntervalMilliseconds: 5, status: [status]), at: 1)
        #expect { try member.changedAssignment() } throws: { ($0 as? MillraceError)?.kind == .cancelled }
        // What was done can be committed, and the group waits for word as long as that takes.
        #expect(member.isJoined && member.epoch == 3)
        #expect(try sent(&member, at: 6_000_000).memberEpoch == 3)
    }

    @Test func whatTheGroupRefusesForGoodNamesTheRemedy() throws {
        let refusals: [(WireError, String)] = [
            (.groupAuthorizationFailed, "READ on the group"), (.streamsInvalidTopology, "same topology"),
            (.groupMaxSizeReached, "fewer threads"), (.groupIDNotFound, "have left"), (.invalidRequest, "first topology"),
        ]
        for (error, remedy) in refusals {
            var member = try makeMember()
            _ = try sent(&member, at: 0)
            member.received(StreamsGroupHeartbeatResponse(error: error, memberEpoch: 0, heartbeatIntervalMilliseconds: 0), at: 0)
            #expect { try member.changedAssignment() } throws: { thrown in
                (thrown as? MillraceError)?.kind == .configuration && (thrown as? MillraceError)?.message.contains(remedy) == true
            }
        }
    }

    @Test func whatIsMissingIsAComplaintOrTheEnd() throws {
        var member = try joined()
        let creating = StreamsGroupHeartbeatResponse.Status(kind: .missingInternalTopics, detail: "app-changelog is missing")
        member.received(StreamsGroupHeartbeatResponse(memberEpoch: 3, heartbeatIntervalMilliseconds: 5, status: [creating]), at: 1)
        #expect(member.complaints == ["app-changelog is missing"] && member.isJoined)
        member.received(StreamsGroupHeartbeatResponse(memberEpoch: 3, heartbeatIntervalMilliseconds: 5, status: []), at: 2)
        #expect(member.complaints.isEmpty)
        let missing = StreamsGroupHeartbeatResponse.Status(kind: .missingSourceTopics, detail: "topic in")
        member.received(StreamsGroupHeartbeatResponse(memberEpoch: 3, heartbeatIntervalMilliseconds: 5, status: [missing]), at: 3)
        _ = #expect(throws: MillraceError.self) { try member.changedAssignment() }
    }
}
