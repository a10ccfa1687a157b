import MillraceCluster
import MillraceCore

/// What a commit tells the group that shares out tasks, so that it refuses those of a member that it put out.
struct GroupMember: Hashable, Sendable {
    /// The member's name in the group.
    var id: String
    /// The epoch (Kafka's older groups: generation) in which the commit is made.
    var epoch: Int32
    /// The member's lasting name, where membership is static.
    var instanceID: String?
}

/// A membership that commits can carry.
protocol CommittingMembership: GroupMembership {
    /// The member's name in the group.
    var memberID: String { get }
    /// The epoch that commits carry; `nil` when the member is not in the group.
    var memberEpoch: Int32? { get }
}

extension StreamsGroupMembership: CommittingMembership {}

/// A session's place in the group that shares out tasks.
struct GroupPlace {
    /// The name of the group.
    let group: String
    let membership: any CommittingMembership
    /// The same, where the group is one of Kafka's classic groups.
    var classic: ClassicGroupMembership? { membership as? ClassicGroupMembership }
    let clock: any WallClock

    /// The member as it is now.
    ///
    /// - Throws: `MillraceError` of kind `fenced` when it is none any more: without an epoch the broker would take the commit of anybody.
    func member() throws -> GroupMember {
        guard let epoch = membership.memberEpoch else {
            throw MillraceError(
                .fenced, "Group \(group) has put this member out, or it has left: what it did since its last commit is void.")
        }
        return GroupMember(id: membership.memberID, epoch: epoch, instanceID: classic?.instanceID)
    }

    /// The member in a newer epoch than the one that the broker has just refused.
    ///
    /// The broker of a streams group raises the epoch with an answer that is still on its way to us. The tasks are the member's all the same: others get them when it has said that
    /// it gave them up. A classic group raises it only when it has everybody's tasks back: whoever still has some then is too late.
    ///
    /// - Throws: `refusal` when no newer epoch comes until `deadline`; `MillraceError` of kind `fenced` when membership is over.
    func member(newerThan old: GroupMember, until deadline: UInt64, refusal: MillraceError) throws -> GroupMember {
        if classic != nil { throw refusal }
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
