/// An error code of Kafka's protocol.
package struct WireError: Hashable, Sendable, CustomStringConvertible {
    /// Kafka's number; 0 is no error.
    package var code: Int16

    /// The error of a code.
    package init(_ code: Int16) { self.code = code }

    package static let none = WireError(0)
    package static let unknownTopicOrPartition = WireError(3)
    package static let leaderNotAvailable = WireError(5)
    package static let notLeaderOrFollower = WireError(6)
    package static let coordinatorLoadInProgress = WireError(14)
    package static let coordinatorNotAvailable = WireError(15)
    package static let notCoordinator = WireError(16)
    package static let illegalGeneration = WireError(22)
    package static let unknownMemberID = WireError(25)
    package static let topicAuthorizationFailed = WireError(29)
    package static let groupAuthorizationFailed = WireError(30)
    package static let clusterAuthorizationFailed = WireError(31)
    package static let unsupportedSASLMechanism = WireError(33)
    package static let unsupportedVersion = WireError(35)
    package static let invalidRequest = WireError(42)
    package static let saslAuthenticationFailed = WireError(58)
    package static let groupIDNotFound = WireError(69)
    package static let groupMaxSizeReached = WireError(81)
    package static let unstableOffsetCommit = WireError(88)
    package static let unreleasedInstanceID = WireError(111)
    package static let fencedMemberEpoch = WireError(110)
    package static let staleMemberEpoch = WireError(113)
    package static let streamsInvalidTopology = WireError(130)
    package static let streamsInvalidTopologyEpoch = WireError(131)
    package static let streamsTopologyFenced = WireError(132)

    /// Whether the same request may succeed later, or at another broker.
    package var isRetriable: Bool {
        [3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 74, 75, 78, 88, 89, 100, 103].contains(code)
    }

    package var description: String { WireError.names[code] ?? "error \(code)" }

    private static let names: [Int16: String] = [
        -1: "UNKNOWN_SERVER_ERROR", 0: "NONE", 3: "UNKNOWN_TOPIC_OR_PARTITION", 5: "LEADER_NOT_AVAILABLE", 6: "NOT_LEADER_OR_FOLLOWER",
        7: "REQUEST_TIMED_OUT", 14: "COORDINATOR_LOAD_IN_PROGRESS", 15: "COORDINATOR_NOT_AVAILABLE", 16: "NOT_COORDINATOR",
        22: "ILLEGAL_GENERATION", 24: "INVALID_GROUP_ID", 25: "UNKNOWN_MEMBER_ID", 27: "REBALANCE_IN_PROGRESS",
        29: "TOPIC_AUTHORIZATION_FAILED", 30: "GROUP_AUTHORIZATION_FAILED", 31: "CLUSTER_AUTHORIZATION_FAILED",
        33: "UNSUPPORTED_SASL_MECHANISM", 34: "ILLEGAL_SASL_STATE", 35: "UNSUPPORTED_VERSION", 42: "INVALID_REQUEST",
        58: "SASL_AUTHENTICATION_FAILED", 68: "NON_EMPTY_GROUP", 69: "GROUP_ID_NOT_FOUND", 81: "GROUP_MAX_SIZE_REACHED",
        82: "FENCED_INSTANCE_ID", 88: "UNSTABLE_OFFSET_COMMIT", 100: "UNKNOWN_TOPIC_ID", 110: "FENCED_MEMBER_EPOCH",
        111: "UNRELEASED_INSTANCE_ID",
        113: "STALE_MEMBER_EPOCH", 130: "STREAMS_INVALID_TOPOLOGY", 131: "STREAMS_INVALID_TOPOLOGY_EPOCH", 132: "STREAMS_TOPOLOGY_FENCED",
    ]
}
