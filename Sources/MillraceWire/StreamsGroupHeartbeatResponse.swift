import MillraceCore

/// What the group answers to a heartbeat.
package struct StreamsGroupHeartbeatResponse: Hashable, Sendable {
    package var error: WireError
    /// What the broker says about the error.
    package var message: String?
    package var memberEpoch: Int32
    /// When the next heartbeat is due at the latest.
    package var heartbeatIntervalMilliseconds: Int32
    /// What is the matter with the group, by Kafka's codes; `nil` when nothing is new.
    package var status: [Status]?
    /// What the member shall hold; `nil` when that has not changed.
    package var assignment: TaskAssignment?

    package init(
        error: WireError = .none, message: String? = nil, memberEpoch: Int32, heartbeatIntervalMilliseconds: Int32, status: [Status]? = nil,
        assignment: TaskAssignment? = nil
    ) {
        self.error = error
        self.message = message
        self.memberEpoch = memberEpoch
        self.heartbeatIntervalMilliseconds = heartbeatIntervalMilliseconds
        self.status = status
        self.assignment = assignment
    }

    /// Something that keeps the group from working, or that all members are to do.
    package struct Status: Hashable, Sendable {
        package var kind: Kind
        /// The broker's words, with the names of topics.
        package var detail: String

        package init(kind: Kind, detail: String) {
            self.kind = kind
            self.detail = detail
        }

        /// Kafka's codes.
        package enum Kind: Hashable, Sendable {
            case staleTopology, missingSourceTopics, incorrectlyPartitionedTopics, missingInternalTopics, shutDownApplication
            case assignmentDelayed
            /// A code of a later Kafka.
            case other(Int8)
        }
    }
}

extension StreamsGroupHeartbeatRequest {
    package static func decode(_ reader: inout WireReader) throws(MillraceError) -> StreamsGroupHeartbeatResponse {
        _ = try reader.int32()
        let error = WireError(try reader.int16())
        let message = try reader.nullableString()
        _ = try reader.string()
        let epoch = try reader.int32()
        let interval = try reader.int32()
        _ = try reader.int32()
        _ = try reader.int32()
        let status = try reader.nullableArray(readStatus)
        let active = try tasks(&reader)
        let standby = try tasks(&reader)
        let warmUp = try tasks(&reader)
        // What follows says where other members answer queries; nothing here asks for it.
        var assignment: TaskAssignment?
        if active != nil || standby != nil || warmUp != nil {
            assignment = TaskAssignment(active: active ?? [], standby: standby ?? [], warmUp: warmUp ?? [])
        }
        return StreamsGroupHeartbeatResponse(
            error: error, message: message, memberEpoch: epoch, heartbeatIntervalMilliseconds: interval, status: status,
            assignment: assignment)
    }

    private static func readStatus(_ reader: inout WireReader) throws(MillraceError) -> StreamsGroupHeartbeatResponse.Status {
        let code = try reader.int8()
        let kinds: [StreamsGroupHeartbeatResponse.Status.Kind] = [
            .staleTopology, .missingSourceTopics, .incorrectlyPartitionedTopics, .missingInternalTopics, .shutDownApplication,
            .assignmentDelayed,
        ]
        let kind = kinds.indices.contains(Int(code)) ? kinds[Int(code)] : .other(code)
        let status = StreamsGroupHeartbeatResponse.Status(kind: kind, detail: try reader.string())
        try reader.skipTags()
        return status
    }

    private static func tasks(_ reader: inout WireReader) throws(MillraceError) -> Set<TaskID>? {
        let parts = try reader.nullableArray { reader throws(MillraceError) -> [TaskID] in
            let name = try reader.string()
            guard let subtopology = Int(name) else {
                throw MillraceError(
                    .transport,
                    "The group assigned a task of subtopology \"\(name)\", which is not one of this app. Do other programs use its application id?"
                )
            }
            let partitions = try reader.array { reader throws(MillraceError) in try reader.int32() }
            try reader.skipTags()
            return partitions.map { TaskID(subtopology: subtopology, partition: $0) }
        }
        return parts.map { Set($0.joined()) }
    }
}
