import MillraceCore
import MillraceSystem
import MillraceWire

/// A Kafka cluster, asked for what librdkafka 2.0 does not tell: ids of topics, the ends of what is committed, and membership of a streams group.
///
/// All calls wait for brokers. May be used from any thread of ours.
package final class Cluster: @unchecked Sendable {
    private let bootstrap: [BrokerAddress]
    private let settings: [String: String]
    private let monitor = Monitor()
    private let connection: ClusterConnection

    /// Reads the settings; connects to nothing yet.
    ///
    /// - Parameters:
    ///   - bootstrapServers: Brokers to begin with, as in `host1:9092,host2:9092`.
    ///   - settings: librdkafka's settings by name; those about security, `client.id` and `socket.timeout.ms` are followed here.
    /// - Throws: `MillraceError` of kind `configuration` when an address or a setting cannot be used.
    package init(bootstrapServers: String, settings: [String: String]) throws {
        let addresses = bootstrapServers.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
        guard !addresses.isEmpty else {
            throw MillraceError(.configuration, "bootstrapServers is empty. Give brokers as host:port, separated by commas.")
        }
        bootstrap = try addresses.map { try BrokerAddress($0) }
        self.settings = settings
        connection = ClusterConnection(bootstrap: bootstrap, try Cluster.connectionSettings(settings))
    }

    /// What is asked here is answered at once. A broker that hangs is to be left for another before the session of a member, 45 s usually, is over.
    private static func connectionSettings(_ settings: [String: String]) throws -> ConnectionSettings {
        var connections = try ConnectionSettings(settings)
        connections.timeout = min(connections.timeout, 10_000)
        return connections
    }

    /// Whether brokers share out tasks by the streams group protocol (KIP-1071): from Kafka 4.1 on, where it is not switched off.
    package func supportsStreamsGroups() throws -> Bool {
        try asking { connection in
            guard try connection.versions().supports(StreamsGroupHeartbeatRequest.self) else { return false }
            // Brokers announce the request also where the protocol is switched off. Nobody leaves a group of which it is no member.
            let farewell = StreamsGroupHeartbeatRequest(
                group: "millrace", memberID: Cluster.makeMemberID(), memberEpoch: StreamsGroupHeartbeatRequest.leaving)
            return try connection.sendAnywhere(farewell).error != .unsupportedVersion
        }
    }

    /// The ids of topics; those that do not exist are left out.
    package func topicIDs(of topics: [String]) throws -> [String: TopicID] {
        let found = try monitor.locked { try retrying { try connection.metadata(of: topics) } }
        var ids: [String: TopicID] = [:]
        for topic in found where topic.error != .unknownTopicOrPartition {
            guard topic.error == .none || topic.error.isRetriable else {
                throw MillraceError(.transport, "Topic \(topic.name) cannot be described: \(topic.error).")
            }
            ids[topic.name] = topic.id
        }
        return ids
    }

    /// The offsets from the first that can be read to the one behind the last committed record, for each of the partitions.
    ///
    /// - Throws: `MillraceError` of kind `transport` when a partition does not exist, or its leader cannot be asked.
    package func offsetRanges(of partitions: [TopicPartition]) throws -> [TopicPartition: Range<Offset>] {
        try monitor.locked {
            let starts = try offsets(.start, of: partitions)
            let ends = try offsets(.end, of: partitions)
            return starts.reduce(into: [:]) { ranges, start in
                ranges[start.key] = Offset(start.value)..<Offset(max(start.value, ends[start.key] ?? start.value))
            }
        }
    }

    /// Joins a streams group, and stays in it from a thread of its own until the membership leaves.
    ///
    /// - Parameters:
    ///   - memberID: Unique among all members ever: a UUID.
    ///   - replicationFactor: How many brokers keep each of the app's own topics; -1 for the cluster's default.
    ///   - onChange: Called on that thread when the assignment has changed or membership is over.
    /// - Throws: `MillraceError` of kind `configuration` when the declaration's endpoint is not `host:port`.
    package func joinStreamsGroup(
        _ group: String, memberID: String, _ declaration: GroupDeclaration, rebalanceTimeout: Duration = .seconds(300),
        replicationFactor: Int16 = -1, logger: MillraceLogger, onChange: @escaping @Sendable () -> Void
    ) throws -> StreamsGroupMembership {
        let introduction = try StreamsGroupHeartbeatRequest.Introduction(
            declaration, rebalanceTimeoutMilliseconds: Int32(clamping: rebalanceTimeout.milliseconds), rack: settings["client.rack"],
            replicationFactor: replicationFactor)
        return StreamsGroupMembership(
            StreamsGroupMember(group: group, memberID: memberID, introduction),
            connection: ClusterConnection(bootstrap: bootstrap, try Cluster.connectionSettings(settings)), logger: logger,
            onChange: onChange)
    }

    private func offsets(_ position: ListOffsetsRequest.Position, of partitions: [TopicPartition]) throws -> [TopicPartition: Int64] {
        var known: [TopicPartition: Int64] = [:]
        try retrying {
            let missing = partitions.filter { known[$0] == nil }
            let topics = try connection.metadata(of: Array(Set(missing.map(\.topic))))
            let leaders = Dictionary(topics.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
            var byLeader: [BrokerAddress: [TopicPartition]] = [:]
            for partition in missing {
                guard let topic = leaders[partition.topic], topic.error != .unknownTopicOrPartition,
                    let leader = topic.leaders[partition.partition]
                else { throw MillraceError(.transport, "Partition \(partition) does not exist. Was its topic deleted?") }
                guard let address = connection.address(of: leader) else {
                    throw MillraceError(.transport, "Partition \(partition) has no leader at the moment.", isRetriable: true)
                }
                byLeader[address, default: []].append(partition)
            }
            for (address, partitions) in byLeader {
                let wanted = Dictionary(grouping: partitions, by: \.topic).mapValues { $0.map(\.partition) }
                for answer in try connection.send(ListOffsetsRequest(position, of: wanted), to: address) {
                    let partition = TopicPartition(answer.topic, answer.partition)
                    guard answer.error == .none else {
                        throw MillraceError(
                            .transport, "The offsets of partition \(partition) cannot be told: \(answer.error).",
                            isRetriable: answer.error.isRetriable)
                    }
                    known[partition] = answer.offset
                }
            }
        }
        return known
    }

    /// Asks brokers, one caller at a time.
    func asking<Result>(_ body: (ClusterConnection) throws -> Result) throws -> Result {
        try monitor.locked { try retrying { try body(connection) } }
    }

    /// Tries again after failures that may pass, for about half a minute.
    private func retrying<Result>(_ body: () throws -> Result) throws -> Result {
        var pause: Int32 = 20
        let deadline = Condition.now() &+ 30_000_000_000
        while true {
            do { return try body() } catch let error as MillraceError where error.isRetriable && Condition.now() < deadline {
                ClusterConnection.pause(milliseconds: pause)
                pause = min(pause * 2, 1000)
            }
        }
    }
}
