import MillraceCluster
import MillraceCore

/// What a commit tells the group that shares out tasks, so that it refuses those of a member that it put out.
struct GroupMember: Hashable, Sendable {
    /// The member's name in the group.
    var id: String
    /// The epoch (Kafka's older groups: generation) in which the commit is made.
    var epoch: Int32
}

/// A session's place in the group that shares out tasks.
struct GroupPlace {
    /// The name of the group.
    let group: String
    let membership: StreamsGroupMembership
    let clock: any WallClock

    /// The member as it is now.
    ///
    /// - Throws: `MillraceError` of kind `fenced` when it is none any more: without an epoch the broker would take the commit of anybody.
    func member() throws -> GroupMember {
        guard let epoch = membership.memberEpoch else {
            throw MillraceError(
                .fenced, "Group \(group) has put this member out, or it has left: what it did since its last commit is void.")
        }
        return GroupMember(id: membership.memberID, epoch: epoch)
    }

    /// The member in a newer epoch than the one that the broker has just refused.
    ///
    /// The broker raises the epoch with an answer that is still on its way to us. The tasks are the member's all the same: others get them when it has said that it gave them up.
    ///
    /// - Throws: `refusal` when no newer epoch comes until `deadline`; `MillraceError` of kind `fenced` when membership is over.
    func member(newerThan old: GroupMember, until deadline: UInt64, refusal: MillraceError) throws -> GroupMember {
        while true {
            let now = try member()
            if now.epoch != old.epoch { return now }
            guard clock.monotonicNanoseconds() < deadline else { throw refusal }
            Pause.wait(milliseconds: 5)
        }
    }
}

/// The broker refuses a commit because the member's epoch is another by now. What was in the transaction has been taken back.
struct StaleEpoch: Error {
    var member: GroupMember
    var refusal: MillraceError
}
