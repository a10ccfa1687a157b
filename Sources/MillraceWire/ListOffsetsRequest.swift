import MillraceCore

/// Asks the leader of partitions for their first offsets or for their ends.
package struct ListOffsetsRequest: WireRequest {
    package static let apiKey: Int16 = 2
    package static let name = "ListOffsets"
    package static let version: Int16 = 7

    /// What is asked for. Kafka: the special timestamps.
    package enum Position: Int64, Sendable {
        /// The offset behind the last committed record. Kafka: the last stable offset.
        case end = -1
        /// The first offset that can be read.
        case start = -2
    }

    /// The position to tell.
    package var position: Position
    /// Partitions by topic; all must be led by the broker asked.
    package var partitions: [String: [Int32]]

    /// A question about partitions that the broker leads.
    package init(_ position: Position, of partitions: [String: [Int32]]) {
        self.position = position
        self.partitions = partitions
    }

    /// The offset of a partition, or why it is not told.
    package struct PartitionOffset: Hashable, Sendable {
        package var topic: String
        package var partition: Int32
        package var error: WireError
        package var offset: Int64
    }

    package func encode(to writer: WireWriter) {
        writer.int32(-1)
        // Read committed: what an open transaction wrote is not there yet.
        writer.int8(1)
        writer.array(partitions) { topic, partitions in
            writer.string(topic)
            writer.array(partitions) { partition in
                writer.int32(partition)
                writer.int32(-1)
                writer.int64(position.rawValue)
                writer.noTags()
            }
            writer.noTags()
        }
        writer.noTags()
    }

    package static func decode(_ reader: inout WireReader) throws(MillraceError) -> [PartitionOffset] {
        _ = try reader.int32()
        let topics = try reader.array { reader throws(MillraceError) -> [PartitionOffset] in
            let topic = try reader.string()
            let partitions = try reader.array { reader throws(MillraceError) -> PartitionOffset in
                let partition = try reader.int32()
                let error = WireError(try reader.int16())
                _ = try reader.int64()
                let offset = try reader.int64()
                _ = try reader.int32()
                try reader.skipTags()
                return PartitionOffset(topic: topic, partition: partition, error: error, offset: offset)
            }
            try reader.skipTags()
            return partitions
        }
        try reader.skipTags()
        return topics.flatMap { $0 }
    }
}
