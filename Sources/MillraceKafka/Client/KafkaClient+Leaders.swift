import CRdKafka
import MillraceCore

/// What the leaders of partitions are asked.
extension KafkaClient {
    /// An end of a partition. Kafka: the special timestamps.
    enum PartitionEnd: Int64 {
        case first = -2
        /// The offset behind the last record: of those that are committed, where the client reads only these, and of all that were written else.
        case last = -1
    }

    /// Asks the leaders of partitions where they begin or end, each leader once for all of its partitions.
    ///
    /// By way of the request for offsets at a time: `rd_kafka_query_watermark_offsets` does not heed its timeout while a leader is down, and tries that one again without a pause (until
    /// librdkafka 2.3). A leader that has changed shows as an error here; `learnLeaders` finds the new one.
    ///
    /// - Returns: Nothing but the error when one of them does not answer in time.
    func offsets(
        _ end: PartitionEnd, of partitions: some Collection<TopicPartition>, timeoutMilliseconds: Int32
    ) -> (code: rd_kafka_resp_err_t, offsets: [TopicPartition: Int64]) {
        let list = PartitionList(partitions, offset: end.rawValue)
        let code = rd_kafka_offsets_for_times(handle, list.pointer, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return (code, [:]) }
        var offsets: [TopicPartition: Int64] = [:]
        var failure = RD_KAFKA_RESP_ERR_NO_ERROR
        list.forEach { partition, element in
            if element.err == RD_KAFKA_RESP_ERR_NO_ERROR { offsets[partition] = element.offset } else { failure = element.err }
        }
        return failure == RD_KAFKA_RESP_ERR_NO_ERROR ? (failure, offsets) : (failure, [:])
    }

    /// Looks once who leads the partitions of a topic. One broker is asked, and it may be one that does not answer.
    ///
    /// - Returns: What librdkafka says of it.
    @discardableResult
    func learnLeaders(of topic: String, timeoutMilliseconds: Int32) -> rd_kafka_resp_err_t {
        let asked = rd_kafka_topic_new(handle, topic, nil)
        defer { if let asked { rd_kafka_topic_destroy(asked) } }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(handle, 0, asked, &metadata, timeoutMilliseconds)
        if let metadata { rd_kafka_metadata_destroy(metadata) }
        return code
    }
}
