import CRdKafka
import MillraceCore

/// Commits without transactions: first the records, then the offsets. What lies between is repeated after a crash, and never lost.
final class PlainOutlet: CommitOutlet {
    private let transport: KafkaTransport
    private var consumer: KafkaClient
    /// Made with the first records: a session that only reads has none.
    private var sender: RecordSender?

    init(_ transport: KafkaTransport, consumer: KafkaClient) {
        self.transport = transport
        self.consumer = consumer
    }

    func use(_ consumer: KafkaClient) {
        self.consumer = consumer
    }

    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset], place: GroupPlace?) throws -> [Offset] {
        // Whoever was put out writes nothing more that others would see.
        _ = try place?.member()
        let deadline = transport.deadline
        let firsts = outputs.isEmpty ? [] : try write(outputs, deadline)
        guard !offsets.isEmpty else { return firsts }
        if let place {
            try commit(offsets, as: place, deadline)
        } else {
            try commit(offsets, deadline) { [consumer] in rd_kafka_commit(consumer.handle, $0.pointer, 0) }
        }
        return firsts
    }

    private func write(_ outputs: [OutputBatches], _ deadline: UInt64) throws -> [Offset] {
        let sender = try sender ?? RecordSender(transport, settings: [("enable.idempotence", "true")])
        self.sender = sender
        try sender.check(outputs)
        do {
            try sender.send(outputs, until: deadline)
            let code = rd_kafka_flush(sender.producer.handle, transport.timeoutMilliseconds)
            if let failure = sender.undelivered() { throw failure }
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaFailure.error(code, "Writing records", trouble: sender.producer.reports.lastTrouble)
            }
        } catch {
            sender.discard()
            throw error
        }
        return sender.deliveries.firsts.map { Offset($0) }
    }

    /// As a member of the group. Of a streams group librdkafka is none: our own connection says it.
    private func commit(_ offsets: [TopicPartition: CommittedOffset], as place: GroupPlace, _ deadline: UInt64) throws {
        if let classic = place.classic { return try commit(offsets, deadline, by: classic.commit) }
        guard let cluster = transport.cluster else {
            return try commit(offsets, deadline) { [consumer] in rd_kafka_commit(consumer.handle, $0.pointer, 0) }
        }
        var member = try place.member()
        while true {
            switch try cluster.commit(offsets, of: place.group, memberID: member.id, memberEpoch: member.epoch) {
            case .committed: return
            case .staleEpoch(let refusal): member = try place.member(newerThan: member, until: deadline, refusal: refusal)
            }
        }
    }

    private func commit(
        _ offsets: [TopicPartition: CommittedOffset], _ deadline: UInt64, by call: (PartitionList) -> rd_kafka_resp_err_t
    ) throws {
        let list = PartitionList(capacity: offsets.count)
        for (partition, offset) in offsets { list.add(partition, offset: offset.offset.value, metadata: offset.metadata) }
        while true {
            let code = call(list)
            if code == RD_KAFKA_RESP_ERR_NO_ERROR { return }
            guard KafkaFailure.isPassing(code), transport.clock.monotonicNanoseconds() < deadline else {
                throw KafkaFailure.error(code, "Committing offsets", trouble: consumer.reports.lastTrouble)
            }
            Pause.wait(milliseconds: 50)
        }
    }
}
