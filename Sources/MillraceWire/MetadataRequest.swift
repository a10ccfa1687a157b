import MillraceCore

/// Asks for the brokers of a cluster, and for topics with their ids and the leaders of their partitions.
public struct MetadataRequest: WireRequest {
    public static let apiKey: Int16 = 3
    public static let name = "Metadata"
    public static let version: Int16 = 12

    /// The topics to tell of; `nil` for all.
    public var topics: [String]?

    /// A question about these topics; none are created by asking.
    public init(topics: [String]?) { self.topics = topics }

    /// A broker, and where it listens.
    public struct Broker: Hashable, Sendable {
        /// The broker's number.
        public var id: Int32
        /// Its host and port.
        public var address: BrokerAddress
    }

    /// A topic, or why nothing is told of it.
    public struct Topic: Hashable, Sendable {
        /// `unknownTopicOrPartition` when there is no such topic.
        public var error: WireError
        /// The name asked for.
        public var name: String
        /// Its UUID.
        public var id: TopicID
        /// Whether it is Kafka's own.
        public var isInternal: Bool
        /// The broker that leads each partition, by the partition's number; -1 where none does now.
        public var leaders: [Int32: Int32]
    }

    /// What a broker knows of its cluster.
    public struct Response: Hashable, Sendable {
        /// The brokers that live.
        public var brokers: [Broker]
        /// The topics asked for.
        public var topics: [Topic]
    }

    public func encode(to writer: WireWriter) {
        writer.nullableArray(topics) { topic in
            writer.uuid(TopicID(high: 0, low: 0))
            writer.nullableString(topic)
            writer.noTags()
        }
        writer.boolean(false)
        writer.boolean(false)
        writer.noTags()
    }

    public static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
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
