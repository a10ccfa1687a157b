import CRdKafka
import MillraceCore
import MillraceFormats

/// Hands the records of outputs to a producer of librdkafka, which batches and sends them.
final class RecordSender {
    private let transport: KafkaTransport
    let producer: KafkaClient
    private var topics: [String: Topic] = [:]
    private let scratch = ByteBuffer()

    private struct Topic {
        var handle: OpaquePointer
        var partitions: Int32
    }

    /// - Parameter settings: Those that make it transactional, or not.
    init(_ transport: KafkaTransport, settings: [(String, String)]) throws {
        self.transport = transport
        producer = try KafkaClient(
            RD_KAFKA_PRODUCER,
            settings: transport.settings(
                [
                    // The brokers say how long a record may be, not the client.
                    ("message.max.bytes", "1000000000"), ("batch.size", "262144"), ("batch.num.messages", "100000"),
                    ("queue.buffering.max.messages", "1000000"), ("queue.buffering.max.kbytes", "262144"), ("linger.ms", "5"),
                ] + settings), logger: transport.options.logger, onDelivery: Deliveries.callback)
    }

    deinit {
        for topic in topics.values { rd_kafka_topic_destroy(topic.handle) }
    }

    var deliveries: Deliveries { producer.reports.deliveries }

    /// Makes sure that all partitions are there before anything is sent to one of them.
    ///
    /// - Throws: `MillraceError` of kind `transport` that names the topic.
    func check(_ outputs: [OutputBatches]) throws {
        for output in outputs {
            let partition = output.partition
            if let topic = topics[partition.topic], partition.partition < topic.partitions { continue }
            guard let count = try transport.partitionCount(of: partition.topic), partition.partition >= 0, partition.partition < count
            else {
                throw MillraceError(
                    .transport, "There is no partition \(partition) to write to. Create the topic, or give it more partitions.")
            }
            if topics[partition.topic] != nil {
                topics[partition.topic]?.partitions = count
            } else if let handle = rd_kafka_topic_new(producer.handle, partition.topic, nil) {
                topics[partition.topic] = Topic(handle: handle, partitions: count)
            } else {
                throw transport.failure(rd_kafka_last_error(), "Writing to topic \(partition.topic)")
            }
        }
    }

    /// Hands over all records; they are copied.
    ///
    /// - Throws: `MillraceError` when librdkafka does not take one.
    func send(_ outputs: [OutputBatches], until deadline: UInt64) throws {
        deliveries.begin(outputs: outputs.count)
        for (index, output) in outputs.enumerated() {
            guard let topic = topics[output.partition.topic] else { continue }
            var mark = UnsafeMutableRawPointer(bitPattern: index + 1)
            var batches = RecordBatchCursor(output.bytes.bytes)
            while let batch = try batches.next() {
                var records = try batch.records(decompressingInto: scratch)
                while let record = try records.next() {
                    try send(record, to: topic.handle, output.partition, mark, deadline)
                    mark = nil
                }
            }
        }
    }

    private func send(
        _ record: RawRecord, to topic: OpaquePointer, _ partition: TopicPartition, _ mark: UnsafeMutableRawPointer?, _ deadline: UInt64
    ) throws {
        let time = record.timestamp.milliseconds
        guard time != 0 else { throw Self.zeroTimestamp(partition) }
        let headers = record.headers.count == 0 ? nil : MessageHeaders.make(try record.headers.decoded())
        while true {
            let code = millrace_kafka_produce(
                producer.handle, topic, partition.partition, time, record.key?.baseAddress, record.key?.count ?? 0,
                record.value?.baseAddress, record.value?.count ?? 0, headers, mark)
            if code == RD_KAFKA_RESP_ERR_NO_ERROR { return }
            // Full: what is on its way makes room.
            if code == RD_KAFKA_RESP_ERR__QUEUE_FULL, transport.clock.monotonicNanoseconds() < deadline {
                rd_kafka_poll(producer.handle, 20)
                continue
            }
            if let headers { rd_kafka_headers_destroy(headers) }
            throw KafkaFailure.error(code, "Writing to \(partition)", trouble: producer.reports.lastTrouble)
        }
    }

    /// Drops what was not sent and forgets what was, so that nothing of a commit that failed comes later.
    func discard() {
        rd_kafka_purge(producer.handle, Int32(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT))
        rd_kafka_flush(producer.handle, 5000)
    }

    /// The error of the first record that was not taken, if there is one.
    func undelivered() -> MillraceError? {
        deliveries.failure.map {
            KafkaFailure.error($0.code, "Writing a record to topic \($0.topic)", trouble: producer.reports.lastTrouble)
        }
    }

    private static func zeroTimestamp(_ partition: TopicPartition) -> MillraceError {
        MillraceError(
            .production,
            "A record for \(partition) has the timestamp 0, the first moment of 1970, and librdkafka would send it with the present time instead. Give it another timestamp."
        )
    }
}
