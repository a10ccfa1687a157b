import MillraceCore

/// Asks a group's coordinator where the group goes on.
package struct OffsetFetchRequest: WireRequest {
    package static let apiKey: Int16 = 9
    package static let name = "OffsetFetch"
    package static let version: Int16 = 7

    /// The group.
    package var group: String
    /// Partitions by topic.
    package var partitions: [String: [Int32]]

    /// A question that is not answered while a transaction which moves one of the offsets is not decided.
    package init(group: String, partitions: [String: [Int32]]) {
        self.group = group
        self.partitions = partitions
    }

    /// What the coordinator knows.
    package struct Response: Sendable {
        /// Of the request as a whole.
        package var error: WireError
        /// Where the group goes on; partitions without a committed offset are left out.
        package var offsets: [TopicPartition: CommittedOffset] = [:]
        /// Why the offset of a partition is not told.
        package var errors: [TopicPartition: WireError] = [:]
    }

    package func encode(to writer: WireWriter) {
        writer.string(group)
        writer.array(partitions) { topic, partitions in
            writer.string(topic)
            writer.array(partitions) { writer.int32($0) }
            writer.noTags()
        }
        // Only offsets that are decided.
        writer.boolean(true)
        writer.noTags()
    }

    package static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
        _ = try reader.int32()
        var response = Response(error: .none)
        let topics = try reader.array { reader throws(MillraceError) -> [(TopicPartition, CommittedOffset, WireError)] in
            let topic = try reader.string()
            let partitions = try reader.array { reader throws(MillraceError) -> (TopicPartition, CommittedOffset, WireError) in
                let partition = TopicPartition(topic, try reader.int32())
                let offset = try reader.int64()
                _ = try reader.int32()
                let metadata = try reader.nullableString() ?? ""
                let error = WireError(try reader.int16())
                try reader.skipTags()
                return (partition, CommittedOffset(Offset(offset), metadata: metadata), error)
            }
            try reader.skipTags()
            return partitions
        }
        for (partition, offset, error) in topics.joined() {
            if error != .none {
                response.errors[partition] = error
            } else if offset.offset >= 0 {
                response.offsets[partition] = offset
            }
        }
        response.error = WireError(try reader.int16())
        try reader.skipTags()
        return response
    }
}
