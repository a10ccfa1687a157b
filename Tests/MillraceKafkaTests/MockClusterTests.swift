import CRdKafka
import MillraceCore
import MillraceFormats
import MillraceTestKit
import Testing

@testable import MillraceKafka

/// The transport on librdkafka's mock cluster: no Java, no network.
@Suite struct MockClusterTests {
    @Test func lawsHoldAsFarAsTheMockGoes() throws {
        let cluster = try MockCluster()
        try TransportLaws(seed: 1, rounds: 10, leavingOut: [.failedCommits, .deletion, .fencing]).check(
            try MockTransport(cluster, .atLeastOnce))
    }

    @Test func recordsComeBackAsTheyWereWritten() throws {
        let cluster = try MockCluster()
        let transport = try MockTransport(cluster)
        try transport.createTopic(TopicSpecification("forms", partitions: 1))
        let session = try transport.openSession(named: "forms", group: "forms")
        defer { session.close() }
        let forms: [(key: [UInt8]?, value: [UInt8]?, headers: Headers)] = [
            (nil, nil, []), ([], [], []), ([1], nil, [Header("a", [1, 2]), Header("a", nil), Header("", [])]),
            (nil, Array(repeating: 7, count: 300), [Header("only", text: "ä")]), (Array(repeating: 3, count: 70), [9], []),
        ]
        let writer = RecordBatchWriter()
        for (index, form) in forms.enumerated() {
            try (form.key ?? []).withUnsafeBytes { key in
                try (form.value ?? []).withUnsafeBytes { value in
                    let none = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: 1), count: 0)
                    try writer.append(
                        timestamp: Timestamp(milliseconds: Int64(1000 - 300 * index)), headers: form.headers,
                        key: form.key.map { $0.isEmpty ? none : key }, value: form.value.map { $0.isEmpty ? none : value })
                }
            }
        }
        try writer.finish()
        let partition = TopicPartition("forms", 0)
        _ = try session.commit([OutputBatches(partition: partition, bytes: writer.output, recordCount: forms.count)], offsets: [:])
        try session.assign([partition: 0])
        var count = 0
        while count < forms.count {
            for fetched in try session.poll(maxBytes: 1 << 20, timeout: .seconds(5)) {
                var batches = RecordBatchCursor(fetched.bytes)
                while let batch = try batches.next() {
                    try batch.verifyChecksum()
                    var records = try batch.records(decompressingInto: ByteBuffer())
                    while let record = try records.next() {
                        let form = forms[count]
                        #expect(record.offset == Offset(Int64(count)))
                        #expect(record.timestamp == Timestamp(milliseconds: Int64(1000 - 300 * count)))
                        #expect(record.key.map { Array($0) } == form.key)
                        #expect(record.value.map { Array($0) } == form.value)
                        #expect(try record.headers.decoded() == form.headers)
                        count += 1
                    }
                }
            }
        }
    }

    @Test func aTimestampThatLibrdkafkaCannotWriteIsRefused() throws {
        let cluster = try MockCluster()
        let transport = try MockTransport(cluster)
        try transport.createTopic(TopicSpecification("zero", partitions: 1))
        let session = try transport.openSession(named: "zero", group: "zero")
        defer { session.close() }
        let writer = RecordBatchWriter()
        try writer.append(timestamp: 0, key: nil, value: nil)
        try writer.finish()
        let output = OutputBatches(partition: TopicPartition("zero", 0), bytes: writer.output, recordCount: 1)
        let error = #expect(throws: MillraceError.self) { try session.commit([output], offsets: [:]) }
        #expect(error?.kind == .production)
    }

    /// What came of a commit that took too long is not known. The session says so, takes nothing more, and another one of its name goes on.
    @Test func aCommitOfUnknownOutcomeEndsTheSessionOnly() throws {
        let cluster = try MockCluster()
        let transport = try MockTransport(cluster, transactionTimeout: .seconds(1))
        try transport.createTopic(TopicSpecification("unknown", partitions: 1))
        let session = try transport.openSession(named: "unknown", group: "unknown")
        _ = try session.commit([try output("unknown")], offsets: [:])
        let endTransaction: Int16 = 26
        cluster.fail(endTransaction, with: Array(repeating: RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, count: 200))
        for _ in 0..<2 {
            let error = #expect(throws: MillraceError.self) { try session.commit([try output("unknown")], offsets: [:]) }
            #expect(error?.kind == .transport && error?.isRetriable == true, "\(error?.message ?? "")")
        }
        session.close()
        rd_kafka_mock_clear_request_errors(cluster.handle, endTransaction)
        let next = try transport.openSession(named: "unknown", group: "unknown")
        defer { next.close() }
        _ = try next.commit([try output("unknown")], offsets: [:])
    }

    /// A session that another has taken the name of, or whose transaction the broker has given up, is told so.
    @Test func aFencedCommitIsToldAsSuch() throws {
        let cluster = try MockCluster()
        let transport = try MockTransport(cluster)
        try transport.createTopic(TopicSpecification("fenced", partitions: 1))
        let session = try transport.openSession(named: "fenced", group: "fenced")
        defer { session.close() }
        let endTransaction: Int16 = 26
        cluster.fail(endTransaction, with: [RD_KAFKA_RESP_ERR_PRODUCER_FENCED])
        for _ in 0..<2 {
            let error = #expect(throws: MillraceError.self) { try session.commit([try output("fenced")], offsets: [:]) }
            #expect(error?.kind == .fenced, "\(error?.message ?? "")")
        }
    }

    @Test(arguments: [
        RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
    ])
    func whatPassesIsTriedAgain(_ code: rd_kafka_resp_err_t) {
        #expect(KafkaFailure.error(code, "Writing").isRetriable)
    }

    @Test(arguments: [
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
    ])
    func whatDoesNotPassHasARemedy(_ code: rd_kafka_resp_err_t) {
        let error = KafkaFailure.error(code, "Writing to orders-0")
        #expect(!error.isRetriable)
        #expect(error.message.hasPrefix("Writing to orders-0 failed: ") && error.message.split(separator: ".").count > 1)
    }

    private func output(_ topic: String) throws -> OutputBatches {
        let writer = RecordBatchWriter()
        try writer.append(timestamp: 1, key: nil, value: nil)
        try writer.finish()
        return OutputBatches(partition: TopicPartition(topic, 0), bytes: writer.output, recordCount: 1)
    }
}
