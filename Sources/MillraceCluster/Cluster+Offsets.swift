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

    /// What a group has committed.
    package enum CommittedOffsets {
        /// Of all partitions that were asked for; those without an offset are left out.
        case known([TopicPartition: CommittedOffset])
        /// A transaction that moves one of them is not decided. It will be soon.
        case undecided(MillraceError)
    }

    /// Where a group goes on.
    ///
    /// - Returns: `nil` when they cannot be asked this way at all: brokers older than Kafka 2.5 do not say whether an offset is decided.
    /// - Throws: `MillraceError` of kind `transport` when the coordinator cannot be asked, of kind `configuration` when it must not be.
    package func committedOffsets(of group: String, for partitions: [TopicPartition]) throws -> CommittedOffsets? {
        try asking { connection -> CommittedOffsets? in
            let versions: ApiVersionsRequest.Response
            do { versions = try connection.versions() } catch let error as MillraceError where !error.isRetriable { return nil }
            guard versions.supports(OffsetFetchRequest.self) else { return nil }
            let wanted = Dictionary(grouping: partitions, by: \.topic).mapValues { $0.map(\.partition) }
            let response: OffsetFetchRequest.Response
            do {
                response = try connection.send(
                    OffsetFetchRequest(group: group, partitions: wanted), to: try connection.coordinator(of: group))
            } catch {
                connection.forgetCoordinator(of: group)
                throw error
            }
            let failure = response.error != .none ? response.error : response.errors.values.first { $0 != .unstableOffsetCommit }
            switch failure {
            case nil: break
            case .groupAuthorizationFailed?, .topicAuthorizationFailed?:
                throw MillraceError(
                    .configuration,
                    "The offsets of group \(group) cannot be told: \(failure ?? .none). Allow the app's user to read the group and to describe its topics."
                )
            case let error?:
                connection.forgetCoordinator(of: group)
                throw MillraceError(.transport, "The offsets of group \(group) cannot be told: \(error).", isRetriable: error.isRetriable)
            }
            guard let (partition, error) = response.errors.first else { return .known(response.offsets) }
            return .undecided(
                MillraceError(
                    .transport,
                    "The offset of \(partition) in group \(group) is not decided yet (\(error)): a transaction moves it. It ends with its timeout at the latest.",
                    isRetriable: true))
        }
    }

    /// A name for a member that no other ever had.
    package static func makeMemberID() -> String { ScramConversation.makeNonce() }
}
