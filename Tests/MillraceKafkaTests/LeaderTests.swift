import CRdKafka
import Foundation
import MillraceCore
import MillraceFormats
import Testing

@testable import MillraceKafka

/// Leaders that change, and what librdkafka makes of them, on its mock cluster.
@Suite struct LeaderTests {
    private let partition = TopicPartition("moving", 0)

    /// librdkafka 2.0 goes on asking who led the partition, and says each time that it does not.
    @Test func endsAreAskedOfWhoLeadsNow() throws {
        let cluster = try MockCluster(brokers: 3)
        let transport = try MockTransport(cluster)
        try transport.createTopic(TopicSpecification(partition.topic, partitions: 1))
        let session = try transport.openSession(named: "moving", group: "moving")
        defer { session.close() }
        for leader in [1, 2, 3] as [Int32] {
            cluster.lead(partition, by: leader)
            _ = try session.commit([try output()], offsets: [:])
            #expect(try transport.offsetRange(of: partition) == 0..<Offset(Int64(leader)))
        }
    }

    /// Whatever makes librdkafka fetch a partition no more, without a word: here it is told so behind the session's back.
    @Test(arguments: [ProcessingGuarantee.exactlyOnce, .atLeastOnce])
    func aPartitionThatIsLeftAloneIsReadOn(_ guarantee: ProcessingGuarantee) throws {
        let cluster = try MockCluster()
        let said = Said()
        let transport = try MockTransport(cluster, guarantee, logger: said.logger)
        try transport.createTopic(TopicSpecification(partition.topic, partitions: 2))
        let session = try #require(try transport.openSession(named: "left", group: "left") as? KafkaSession)
        defer { session.close() }
        session.watch.limits = Quiet.Limits(look: 20_000_000, question: 100_000_000, patience: 300_000_000)
        let other = TopicPartition(partition.topic, 1)
        try session.assign([partition: 0, other: 0])
        _ = try session.commit([try output()], offsets: [:])
        #expect(try read(session) == [0])
        session.pause(other)
        let left = PartitionList([partition], offset: 0)
        #expect(rd_kafka_incremental_unassign(try #require(session.consumer).handle, left.pointer) == nil)
        _ = try session.commit([try output()], offsets: [partition: CommittedOffset(1)])
        _ = try session.commit([try output()], offsets: [:])
        #expect(try read(session, until: 2) == [1, 2], "each once, and in order")
        #expect(said.count("librdkafka has stopped reading a partition") == 1)
        #expect(session.queues.map(\.isPaused) == [false, true])
        // The outlet of commits without transactions has the new consumer.
        _ = try session.commit([try output()], offsets: [partition: CommittedOffset(3)])
        #expect(try read(session, until: 3) == [3])
    }

    /// A follower that has not all of the partition yet answers like a leader whose log has lost records.
    @Test func aBrokerThatLacksRecordsIsNotBelieved() throws {
        let cluster = try MockCluster()
        let said = Said()
        let transport = try MockTransport(cluster, logger: said.logger)
        try transport.createTopic(TopicSpecification(partition.topic, partitions: 1))
        let session = try #require(try transport.openSession(named: "lacks", group: "lacks") as? KafkaSession)
        defer { session.close() }
        let fetch: Int16 = 1
        _ = try session.commit([try output()], offsets: [:])
        cluster.fail(fetch, with: [RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE])
        try session.assign([partition: 0])
        #expect(try read(session) == [0])
        #expect(said.count("A broker was asked that does not lead a partition") == 1)
    }

    @Test func aPartitionAtItsEndIsLeftInPeace() throws {
        let cluster = try MockCluster()
        let said = Said()
        let transport = try MockTransport(cluster, logger: said.logger)
        try transport.createTopic(TopicSpecification(partition.topic, partitions: 1))
        let session = try #require(try transport.openSession(named: "end", group: "end") as? KafkaSession)
        defer { session.close() }
        session.watch.limits = Quiet.Limits(look: 20_000_000, question: 50_000_000, patience: 100_000_000, heldBack: 100_000_000)
        try session.assign([partition: 0])
        _ = try session.commit([try output()], offsets: [:])
        #expect(try read(session) == [0])
        for _ in 0..<20 { #expect(try session.poll(maxBytes: 1000, timeout: .milliseconds(50)).isEmpty) }
        #expect(said.all.isEmpty)
    }

    /// The offsets that come until one of them, at most for a while.
    private func read(_ session: KafkaSession, until last: Int64 = 0) throws -> [Int64] {
        var offsets: [Int64] = []
        let end = Date().addingTimeInterval(20)
        while offsets.last != last, Date() < end {
            for fetched in try session.poll(maxBytes: 1 << 20, timeout: .milliseconds(50)) {
                var batches = RecordBatchCursor(fetched.bytes)
                while let batch = try batches.next() {
                    var records = try batch.records(decompressingInto: ByteBuffer())
                    while let record = try records.next() { offsets.append(record.offset.value) }
                }
            }
        }
        return offsets
    }

    private func output() throws -> OutputBatches {
        let writer = RecordBatchWriter()
        try writer.append(timestamp: 1, key: nil, value: nil)
        try writer.finish()
        return OutputBatches(partition: partition, bytes: writer.output, recordCount: 1)
    }
}
