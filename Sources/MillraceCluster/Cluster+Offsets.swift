import MillraceCore
import MillraceWire

extension Cluster {
    /// What became of a member's commit.
    package enum OffsetCommit {
        case committed
        /// Refused, since the group has raised the member's epoch meanwhile. The member hears of the new one soon, and may commit again.
        case staleEpoch(MillraceError)
    }

    /// Commits offsets of a group outside of a transaction, as a member of it.
    ///
    /// - Throws: `MillraceError` of kind `fenced` when the group has put the member out, of kind `transport` or `configuration` when the broker does not take the commit.
    package func commit(
        _ offsets: [TopicPartition: CommittedOffset], of group: String, memberID: String, memberEpoch: Int32
    ) throws -> OffsetCommit {
        try asking { connection in
            let request = OffsetCommitRequest(group: group, memberID: memberID, memberEpoch: memberEpoch, offsets: offsets)
            let outcomes: [TopicPartition: WireError]
            do { outcomes = try connection.send(request, to: try connection.coordinator(of: group)) } catch {
                connection.forgetCoordinator(of: group)
                throw error
            }
            // The group looks at the member once for all partitions.
            guard let (partition, error) = outcomes.first(where: { $0.value != .none }) else { return .committed }
            let message = "Group \(group) does not take the offset of \(partition): \(error)."
            switch error {
            case .staleMemberEpoch, .illegalGeneration: return .staleEpoch(MillraceError(.fenced, message))
            case .unknownMemberID, .fencedMemberEpoch:
                throw MillraceError(.fenced, message + " It has put this member out: others have its tasks.")
            case .groupAuthorizationFailed, .topicAuthorizationFailed:
                throw MillraceError(.configuration, message + " Allow the app's user to read the group and its topics.")
            default:
                connection.forgetCoordinator(of: group)
                throw MillraceError(.transport, message, isRetriable: error.isRetriable)
            }
        }
    }

    /// A name for a member that no other ever had.
    package static func makeMemberID() -> String { ScramConversation.makeNonce() }
}
