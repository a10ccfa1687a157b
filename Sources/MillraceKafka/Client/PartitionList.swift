import CRdKafka
import MillraceCore

/// librdkafka's list of partitions with offsets, freed with this.
final class PartitionList {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(capacity: Int) {
        pointer = rd_kafka_topic_partition_list_new(Int32(clamping: capacity))
    }

    convenience init(_ partitions: some Collection<TopicPartition>, offset: Int64) {
        self.init(capacity: partitions.count)
        for partition in partitions { add(partition, offset: offset) }
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    /// - Parameter metadata: A note beside the offset.
    func add(_ partition: TopicPartition, offset: Int64, metadata: String = "") {
        guard let element = rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition) else { return }
        element.pointee.offset = offset
        guard !metadata.isEmpty else { return }
        // The list frees it with `free`.
        let size = metadata.utf8.count
        guard let copy = PartitionList.allocate(size) else { return }
        var metadata = metadata
        metadata.withUTF8 { copy.copyMemory(from: UnsafeRawPointer($0.baseAddress ?? UnsafePointer(bitPattern: 1)!), byteCount: size) }
        element.pointee.metadata = copy
        element.pointee.metadata_size = size
    }

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        rd_kafka_mem_calloc(nil, 1, size)
    }

    var elements: UnsafeMutableBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeMutableBufferPointer(start: pointer.pointee.elems, count: Int(pointer.pointee.cnt))
    }

    /// Calls `body` for each partition with what librdkafka filled in.
    func forEach(_ body: (TopicPartition, rd_kafka_topic_partition_t) throws -> Void) rethrows {
        for element in elements { try body(TopicPartition(String(cString: element.topic), element.partition), element) }
    }
}
