/// A topic that an app creates for itself to send records from one subtopology to another.
public struct InternalTopic: Hashable, Sendable {
    /// The name without the application id.
    public var name: String
    /// How many partitions, when the program fixes it. Otherwise as many as the topics it is joined with, or as those its records come
    /// from.
    public var partitions: Int?
    /// What the topic is created with.
    public var settings: [String: String]

    public init(_ name: String, partitions: Int? = nil, settings: [String: String]) {
        self.name = name
        self.partitions = partitions
        self.settings = settings
    }

    /// A topic whose records are kept until the app has read them and deletes them itself, as Kafka Streams makes it for repartitioning
    /// and for foreign-key joins.
    public static func repartition(_ name: String, partitions: Int? = nil) -> InternalTopic {
        InternalTopic(
            name, partitions: partitions,
            settings: [
                "cleanup.policy": "delete", "retention.ms": "-1", "segment.bytes": "52428800",
                "message.timestamp.type": "CreateTime",
            ])
    }
}
