import MillraceCore

/// Commits offsets of a group outside of a transaction, as a member of it.
package struct OffsetCommitRequest: WireRequest {
    package static let apiKey: Int16 = 8
    package static let name = "OffsetCommit"
    package static let version: Int16 = 9

    /// The group.
    package var group: String
    /// The member and its epoch; the broker refuses those that it has put out.
    package var memberID: String
    /// The epoch that the group gave the member.
    package var memberEpoch: Int32
    /// Where to go on.
    package var offsets: [TopicPartition: CommittedOffset]

    /// A commit by a member.
    package init(group: String, memberID: String, memberEpoch: Int32, offsets: [TopicPartition: CommittedOffset]) {
        self.group = group
        self.memberID = memberID
        self.memberEpoch = memberEpoch
        self.offsets = offsets
    }

    package func encode(to writer: WireWriter) {
        writer.string(group)
        writer.int32(memberEpoch)
        writer.string(memberID)
        writer.nullableString(nil)
        writer.array(Dictionary(grouping: offsets, by: \.key.topic)) { topic, partitions in
            writer.string(topic)
            writer.array(partitions) { partition, committed in
                writer.int32(partition.partition)
                writer.int64(committed.offset.value)
                writer.int32(-1)
                writer.nullableString(committed.metadata)
                writer.noTags()
            }
            writer.noTags()
        }
        writer.noTags()
    }

    /// The outcome of each partition.
    package static func decode(_ reader: inout WireReader) throws(MillraceError) -> [TopicPartition: WireError] {
        _ = try reader.int32()
        let topics = try reader.array { reader throws(MillraceError) -> [(TopicPartition, WireError)] in
            let topic = try reader.string()
            let partitions = try reader.array { reader throws(MillraceError) -> (TopicPartition, WireError) in
                let outcome = (TopicPartition(topic, try reader.int32()), WireError(try reader.int16()))
                try reader.skipTags()
                return outcome
            }
            try reader.skipTags()
            return partitions
        }
        try reader.skipTags()
        return Dictionary(topics.joined(), uniquingKeysWith: { $1 })
    }
}
