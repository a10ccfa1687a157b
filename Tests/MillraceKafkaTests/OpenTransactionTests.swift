import CRdKafka
import Foundation
import MillraceCore
import MillraceFormats
import RealKafka
import Testing

@testable import MillraceKafka

/// What a session says of transactions of others, on a real broker: the mock knows none that are open.
@Suite(.serialized, .enabled(if: RealKafka.isWanted)) struct OpenTransactionTests {
    @Test func recordsBehindAnOpenTransactionAreSaidToWait() throws {
        let said = Said()
        let transport = try KafkaTransport(
            bootstrapServers: SharedBroker.bootstrapServers(), options: KafkaOptions(logger: said.logger))
        let partition = TopicPartition("open-\(UUID().uuidString.prefix(8))", 0)
        try transport.createTopic(TopicSpecification(partition.topic, partitions: 1))
        let other = try RecordSender(
            transport, settings: [("transactional.id", "other-\(partition.topic)"), ("transaction.timeout.ms", "300000")])
        let client = other.producer.handle
        #expect(rd_kafka_init_transactions(client, 30_000) == nil && rd_kafka_begin_transaction(client) == nil)
        let output = try output(partition)
        try other.check([output])
        try other.send([output], until: .max)
        #expect(rd_kafka_flush(client, 30_000) == RD_KAFKA_RESP_ERR_NO_ERROR)
        #expect(other.undelivered() == nil && other.deliveries.firsts == [0])
        let session = try #require(try transport.openSession(named: partition.topic, group: partition.topic) as? KafkaSession)
        defer { session.close() }
        session.watch.limits = Quiet.Limits(look: 20_000_000, question: 100_000_000, patience: 300_000_000, heldBack: 300_000_000)
        try session.assign([partition: 0])
        let end = Date().addingTimeInterval(40)
        let warning = "Records wait for a transaction that another producer has left open"
        while said.count(warning) == 0, Date() < end {
            #expect(try session.poll(maxBytes: 1000, timeout: .milliseconds(50)).allSatisfy { $0.bytes.isEmpty })
        }
        #expect(said.count(warning) == 1)
        #expect(LibraryError(rd_kafka_commit_transaction(client, 30_000))?.text == nil)
        var next: Offset = 0
        while next < 2, Date() < end {
            for fetched in try session.poll(maxBytes: 1000, timeout: .milliseconds(50)) { next = fetched.nextOffset }
        }
        #expect(next == 2, "the record, and the marker of its transaction")
        #expect(said.all.allSatisfy { $0.hasPrefix(warning) }, "nothing stood still")
    }

    private func output(_ partition: TopicPartition) throws -> OutputBatches {
        let writer = RecordBatchWriter()
        try writer.append(timestamp: 1, key: nil, value: nil)
        try writer.finish()
        return OutputBatches(partition: partition, bytes: writer.output, recordCount: 1)
    }
}
