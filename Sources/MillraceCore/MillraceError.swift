/// Everything that Millrace throws: a coarse kind to branch on, and a message that says what happened, where, and what to do.
///
/// Kinds are part of the API; messages are for people and may change.
public struct MillraceError: Error, Sendable, CustomStringConvertible {
    /// What sort of thing went wrong. More kinds may come, so a `switch` needs a `default`.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// The program does not make sense: duplicate names, a topic read twice, a store that nobody declared.
        public static let topology = Kind(description: "topology")
        /// A setting, flag or argument is missing or out of range.
        public static let configuration = Kind(description: "configuration")
        /// Bytes could not be read as, or written from, a value.
        public static let serialization = Kind(description: "serialization")
        /// A closure or processor of the app threw.
        public static let processing = Kind(description: "processing")
        /// A record that the app made cannot be written to its topic: its serdes refuse it, or it is too long.
        public static let production = Kind(description: "production")
        /// The local state could not be read or written.
        public static let store = Kind(description: "store")
        /// Topics could not be read or written.
        public static let transport = Kind(description: "transport")
        /// Another process or instance owns what this one tried to write.
        public static let fenced = Kind(description: "fenced")
        /// Bytes on disk or on the wire are not what was written there.
        public static let corruption = Kind(description: "corruption")
        /// The work was abandoned because its task was cancelled.
        public static let cancelled = Kind(description: "cancelled")
    }

    /// What sort of thing went wrong, for programs to decide by.
    public var kind: Kind
    /// What happened and what to do about it, in whole sentences.
    public var message: String
    /// The error underneath, when there is one.
    public var cause: (any Error)?
    /// The node of the topology that was at work.
    public var node: String?
    /// The task that was at work.
    public var task: TaskID?
    /// The record that was being processed.
    public var record: RecordMetadata?
    /// Whether the same call may succeed later without any change.
    public var isRetriable: Bool

    /// An error whose message says what happened and what to do.
    public init(
        _ kind: Kind, _ message: String, cause: (any Error)? = nil, node: String? = nil, task: TaskID? = nil,
        record: RecordMetadata? = nil, isRetriable: Bool = false
    ) {
        self.kind = kind
        self.message = message
        self.cause = cause
        self.node = node
        self.task = task
        self.record = record
        self.isRetriable = isRetriable
    }

    public var description: String {
        var text = "\(kind) error: \(message)"
        var place: [String] = []
        if let node { place.append("node \(node)") }
        if let task { place.append("task \(task)") }
        if let record { place.append("record \(record.topic)-\(record.partition) at offset \(record.offset)") }
        if !place.isEmpty { text += " [\(place.joined(separator: ", "))]" }
        if let cause { text += " Cause: \(cause)" }
        return text
    }
}
