import MillraceCore

/// The file `partition.metadata` in the directory of each partition: which topic it belongs to. Kafka: `PartitionMetadataFile`.
public struct PartitionMetadata: Hashable, Sendable {
    public static let fileName = "partition.metadata"

    public var topicID: TopicID

    public init(topicID: TopicID) {
        self.topicID = topicID
    }

    /// - Throws: `MillraceError` of kind `corruption` when the text is not that of version 0.
    public init(text: String) throws {
        var version: String?
        var id: TopicID?
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingSpaces }
            guard parts.count == 2 else { throw PartitionMetadata.corrupt(text) }
            if parts[0] == "version" { version = String(parts[1]) }
            if parts[0] == "topic_id" { id = TopicID(text: String(parts[1])) }
        }
        guard version == "0", let id else { throw PartitionMetadata.corrupt(text) }
        topicID = id
    }

    /// The file's content.
    public var text: String { "version: 0\ntopic_id: \(topicID.text)" }

    private static func corrupt(_ text: String) -> MillraceError {
        MillraceError(
            .corruption, "A partition.metadata file should hold \"version: 0\" and a topic_id, and holds \"\(text.prefix(200))\".")
    }
}

/// The file `leader-epoch-checkpoint`: at which offset each leader epoch began. Kafka: `LeaderEpochCheckpointFile`.
public struct LeaderEpochs: Hashable, Sendable {
    public static let fileName = "leader-epoch-checkpoint"

    /// A leader's epoch and its first offset.
    public struct Entry: Hashable, Sendable {
        public var epoch: Int32
        public var startOffset: Offset

        public init(epoch: Int32, startOffset: Offset) {
            self.epoch = epoch
            self.startOffset = startOffset
        }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// - Throws: `MillraceError` of kind `corruption` when the text is not that of version 0.
    public init(text: String) throws {
        let lines = text.split(whereSeparator: \.isNewline)
        guard lines.count >= 2, lines[0] == "0", let count = Int(lines[1]), count == lines.count - 2 else {
            throw LeaderEpochs.corrupt(text)
        }
        entries = try lines.dropFirst(2).map { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, let epoch = Int32(parts[0]), let start = Int64(parts[1]) else { throw LeaderEpochs.corrupt(text) }
            return Entry(epoch: epoch, startOffset: Offset(start))
        }
    }

    /// The file's content.
    public var text: String {
        "0\n\(entries.count)\n" + entries.map { "\($0.epoch) \($0.startOffset)\n" }.joined()
    }

    private static func corrupt(_ text: String) -> MillraceError {
        MillraceError(
            .corruption,
            "A leader-epoch-checkpoint file should hold a version 0, a count and that many lines, and holds \"\(text.prefix(200))\".")
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var part = self
        while part.first == " " { part.removeFirst() }
        while part.last == " " { part.removeLast() }
        return part
    }
}
