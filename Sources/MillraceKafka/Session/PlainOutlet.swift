import CRdKafka
import MillraceCore

/// Commits without transactions: first the records, then the offsets. What lies between is repeated after a crash, and never lost.
final class PlainOutlet: CommitOutlet {
    private let transport: KafkaTransport
    private let consumer: KafkaClient
    private let sender: RecordSender

    init(_ transport: KafkaTransport, consumer: KafkaClient) throws {
        self.transport = transport
        self.consumer = consumer
        sender = try RecordSender(transport, settings: [("enable.idempotence", "true")])
    }

    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset], member: GroupMember?) throws -> [Offset] {
        try sender.check(outputs)
        let deadline = transport.deadline
        do {
            try sender.send(outputs, until: deadline)
            let code = outputs.isEmpty ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_flush(sender.producer.handle, transport.timeoutMilliseconds)
            if let failure = sender.undelivered() { throw failure }
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaFailure.error(code, "Writing records", trouble: sender.producer.reports.lastTrouble)
            }
        } catch {
            sender.discard()
            throw error
        }
        if !offsets.isEmpty { try commit(offsets, deadline) }
        return sender.deliveries.firsts.map { Offset($0) }
    }

    private func commit(_ offsets: [TopicPartition: CommittedOffset], _ deadline: UInt64) throws {
        let list = PartitionList(capacity: offsets.count)
        for (partition, offset) in offsets { list.add(partition, offset: offset.offset.value, metadata: offset.metadata) }
        while true {
            let code = rd_kafka_commit(consumer.handle, list.pointer, 0)
            if code == RD_KAFKA_RESP_ERR_NO_ERROR { return }
            guard KafkaFailure.isPassing(code), transport.clock.monotonicNanoseconds() < deadline else {
                throw KafkaFailure.error(code, "Committing offsets", trouble: consumer.reports.lastTrouble)
            }
            Pause.wait(milliseconds: 50)
        }
    }
}
