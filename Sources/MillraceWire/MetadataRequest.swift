import MillraceCore

/// Asks for the brokers of a cluster, and for topics with their ids and the leaders of their partitions.
package struct MetadataRequest: WireRequest {
    package static let apiKey: Int16 = 3
    package static let name = "Metadata"
    package static let version: Int16 = 12

    /// The topics to tell of; `nil` for all.
    package var topics: [String]?

    /// A question about these topics; none are created by asking.
    package init(topics: [String]?) { self.topics = topics }

    /// A broker, and where it listens.
    package struct Broker: Hashable, Sendable {
        /// The broker's number.
        package var id: Int32
        /// Its host and port.
        package var address: BrokerAddress
    }

    /// A topic, or why nothing is told of it.
    package struct Topic: Hashable, Sendable {
        /// `unknownTopicOrPartition` when there is no such topic.
        package var error: WireError
        /// The name asked for.
        package var name: String
        /// Its UUID.
        package var id: TopicID
        /// Whether it is Kafka's own.
        package var isInternal: Bool
        /// The broker that leads each partition, by the partition's number; -1 where none does now.
        package var leaders: [Int32: Int32]
    }

    /// What a broker knows of its cluster.
    package struct Response: Hashable, Sendable {
        /// The brokers that live.
        package var brokers: [Broker]
        /// The topics asked for.
        package var topics: [Topic]
    }

    package func encode(to writer: WireWriter) {
        writer.nullableArray(topics) { topic in
            writer.uuid(TopicID(high: 0, low: 0))
            writer.nullableString(topic)
            writer.noTags()
        }
        writer.boolean(false)
        writer.boolean(false)
        writer.noTags()
    }

    package static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
        _ = try reader.int32()
        let brokers = try reader.array { reader throws(MillraceError) -> Broker in
            let broker = Broker(id: try reader.int32(), address: BrokerAddress(host: try reader.string(), port: try reader.int32()))
            _ = try reader.nullableString()
            try reader.skipTags()
            return broker
        }
        _ = try reader.nullableString()
        _ = try reader.int32()
        let topics = try reader.array(topic)
        try reader.skipTags()
        return Response(brokers: brokers, topics: topics)
    }

    private static func topic(_ reader: inout WireReader) throws(MillraceError) -> Topic {
        let error = WireError(try reader.int16())
        let name = try reader.nullableString() ?? ""
        let id = try reader.uuid()
        let isInternal = try reader.boolean()
        let leaders = try reader.array { reader throws(MillraceError) -> (Int32, Int32) in
            _ = try reader.int16()
            let leader = (try reader.int32(), try reader.int32())
            _ = try reader.int32()
            for _ in 0..<3 { _ = try reader.array { reader throws(MillraceError) in try reader.int32() } }
            try reader.skipTags()
            return leader
        }
        _ = try reader.int32()
        try reader.skipTags()
        return Topic(error: error, name: name, id: id, isInternal: isInternal, leaders: Dictionary(leaders, uniquingKeysWith: { $1 }))
    }
}
