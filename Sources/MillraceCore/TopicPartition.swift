/// The place of a record in a partition: 0 for the first ever written. Offsets grow and never change, but need not be dense.
public struct Offset: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number of the record in its partition, from 0 on.
    public var value: Int64

    /// The offset with this number.
    @inlinable
    public init(_ value: Int64) {
        self.value = value
    }

    @inlinable
    public init(integerLiteral value: Int64) {
        self.value = value
    }

    @inlinable
    public static func < (left: Offset, right: Offset) -> Bool { left.value < right.value }

    /// The offset so many records further on.
    @inlinable
    public static func + (left: Offset, right: Int64) -> Offset { Offset(left.value + right) }

    public var description: String { String(value) }
}

/// The number of a partition within its topic, from 0.
public typealias Partition = Int32

/// One partition of one topic: the unit that is ordered, read and assigned.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The topic's name.
    public var topic: String
    /// The partition's number in the topic.
    public var partition: Partition

    /// A partition of a topic.
    public init(_ topic: String, _ partition: Partition) {
        self.topic = topic
        self.partition = partition
    }

    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
    }

    /// Kafka's way to write it, also the name of its directory: `topic-0`.
    public var description: String { "\(topic)-\(partition)" }
}

/// A subtopology and a partition: the unit of parallelism, state and recovery. Written `0_3`, as Kafka Streams does.
public struct TaskID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number of the subtopology that the task runs.
    public var subtopology: Int
    /// The partition of the subtopology's topics that the task reads.
    public var partition: Partition

    /// The task of a subtopology for one partition.
    public init(subtopology: Int, partition: Partition) {
        self.subtopology = subtopology
        self.partition = partition
    }

    public static func < (left: TaskID, right: TaskID) -> Bool {
        left.subtopology == right.subtopology
            ? left.partition < right.partition : left.subtopology < right.subtopology
    }

    public var description: String { "\(subtopology)_\(partition)" }
}
