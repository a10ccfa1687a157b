import MillraceCore
import MillraceFormats

/// The one request of the streams group protocol (KIP-1071): it carries the topology and what the member holds up, and its tasks down.
package struct StreamsGroupHeartbeatRequest: WireRequest {
    package static let apiKey: Int16 = 88
    package static let name = "StreamsGroupHeartbeat"
    package static let version: Int16 = 0

    /// The epoch of a member that joins.
    package static let joining: Int32 = 0
    /// The epoch of a member that leaves.
    package static let leaving: Int32 = -1

    package var group: String
    package var memberID: String
    /// The epoch that the group gave, or `joining` or `leaving`.
    package var memberEpoch: Int32
    /// What only the first request says; `nil` in the others.
    package var introduction: Introduction?
    /// What the member holds; `nil` when that has not changed since the last request.
    package var held: TaskAssignment?
    /// Asks the group to end the app everywhere.
    package var shutsDownApplication = false

    /// What a member says of itself when it joins.
    package struct Introduction: Hashable, Sendable {
        package var declaration: GroupDeclaration
        /// How long the member may take to give a task up before the group puts it out.
        package var rebalanceTimeoutMilliseconds: Int32
        /// The instance, for static membership; `nil` for none.
        package var instanceID: String?
        package var rack: String?
        /// How many brokers keep each of the app's own topics; -1 for the cluster's default.
        package var replicationFactor: Int16
        /// The declaration's endpoint.
        package var endpoint: BrokerAddress?

        /// What is told of an app's member.
        ///
        /// - Throws: `MillraceError` of kind `configuration` when the endpoint is not `host:port`.
        package init(
            _ declaration: GroupDeclaration, rebalanceTimeoutMilliseconds: Int32, instanceID: String? = nil, rack: String? = nil,
            replicationFactor: Int16 = -1
        ) throws(MillraceError) {
            endpoint = if let text = declaration.endpoint { try BrokerAddress(text) } else { nil }
            self.declaration = declaration
            self.rebalanceTimeoutMilliseconds = rebalanceTimeoutMilliseconds
            self.instanceID = instanceID
            self.rack = rack
            self.replicationFactor = replicationFactor
        }
    }

    /// A heartbeat of a member.
    package init(
        group: String, memberID: String, memberEpoch: Int32, introduction: Introduction? = nil, held: TaskAssignment? = nil,
        shutsDownApplication: Bool = false
    ) {
        self.group = group
        self.memberID = memberID
        self.memberEpoch = memberEpoch
        self.introduction = introduction
        self.held = held
        self.shutsDownApplication = shutsDownApplication
    }

    package func encode(to writer: WireWriter) {
        writer.string(group)
        writer.string(memberID)
        writer.int32(memberEpoch)
        writer.int32(0)
        writer.nullableString(introduction?.instanceID)
        writer.nullableString(introduction?.rack)
        writer.int32(introduction?.rebalanceTimeoutMilliseconds ?? -1)
        if let introduction {
            writer.int8(1)
            StreamsGroupHeartbeatRequest.write(
                introduction.declaration.subtopologies, replicationFactor: introduction.replicationFactor, to: writer)
        } else {
            writer.int8(-1)
        }
        for tasks in [held?.active, held?.standby, held?.warmUp] { StreamsGroupHeartbeatRequest.write(tasks, to: writer) }
        let declaration = introduction?.declaration
        writer.nullableString(declaration?.processID.text)
        if let endpoint = introduction?.endpoint {
            writer.int8(1)
            writer.string(endpoint.host)
            writer.uint16(UInt16(clamping: endpoint.port))
            writer.noTags()
        } else {
            writer.int8(-1)
        }
        writer.nullableArray(declaration?.tags.sorted { $0.key < $1.key }) { StreamsGroupHeartbeatRequest.write(setting: $0, to: writer) }
        // How far the stores of tasks are, and could be: Kafka 4.3 refuses requests that say so.
        writer.nullableArray([Int]?.none) { _ in }
        writer.nullableArray([Int]?.none) { _ in }
        writer.boolean(shutsDownApplication)
        writer.noTags()
    }
}

extension StreamsGroupHeartbeatRequest {
    /// The broker compares this with what the first member of the group declared, list by list and also after that member has gone, so it is what Kafka Streams declares for the
    /// same program, in its order.
    private static func write(
        _ subtopologies: [GroupDeclaration.Subtopology], replicationFactor: Int16, to writer: WireWriter
    ) {
        // The epoch of the topology; Kafka Streams 4.3 sends 0 always.
        writer.int32(0)
        let copartitioned = Set(subtopologies.flatMap { $0.copartitionGroups.joined() }).count
        writer.array(subtopologies) { part in
            let sources = part.sourceTopics.sorted()
            let repartitions = part.repartitionSourceTopics.sorted { $0.name < $1.name }
            writer.string(String(part.id))
            writer.array(sources) { writer.string($0) }
            writer.array([String]()) { writer.string($0) }
            writer.array(part.changelogTopics.sorted { $0.name < $1.name }) {
                write($0, partitions: 0, replicationFactor: replicationFactor, to: writer)
            }
            writer.array(part.repartitionSinkTopics.sorted()) { writer.string($0) }
            writer.array(repartitions) { write($0, partitions: $0.partitions, replicationFactor: replicationFactor, to: writer) }
            writer.array(JavaSetOrder.sorted(part.copartitionGroups, madeOf: copartitioned)) { group in
                let topics = JavaSetOrder.sorted(group)
                writer.array(topics.compactMap { sources.firstIndex(of: $0) }) { writer.int16(Int16(clamping: $0)) }
                writer.array([Int16]()) { writer.int16($0) }
                let places = topics.compactMap { name in repartitions.firstIndex { $0.name == name } }
                writer.array(places) { writer.int16(Int16(clamping: $0)) }
                writer.noTags()
            }
            writer.noTags()
        }
        writer.noTags()
    }

    private static func write(_ topic: TopicSpecification, partitions: Int32, replicationFactor: Int16, to writer: WireWriter) {
        writer.string(topic.name)
        writer.int32(partitions)
        writer.int16(replicationFactor)
        writer.array(topic.settings.sorted { $0.key < $1.key }) { write(setting: $0, to: writer) }
        writer.noTags()
    }

    private static func write(setting: (key: String, value: String), to writer: WireWriter) {
        writer.string(setting.key)
        writer.string(setting.value)
        writer.noTags()
    }

    private static func write(_ tasks: Set<TaskID>?, to writer: WireWriter) {
        let parts = tasks.map { Dictionary(grouping: $0, by: \.subtopology).sorted { $0.key < $1.key } }
        writer.nullableArray(parts) { subtopology, tasks in
            writer.string(String(subtopology))
            writer.array(tasks.map(\.partition).sorted()) { writer.int32($0) }
            writer.noTags()
        }
    }
}
