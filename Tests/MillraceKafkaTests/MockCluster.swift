import CRdKafka
import MillraceCore

@testable import MillraceKafka

/// librdkafka's own stand-in for a cluster, in this process. It knows neither transactions that fail nor markers, nor the requests that make topics or delete records.
final class MockCluster: @unchecked Sendable {
    private let client: OpaquePointer
    let handle: OpaquePointer

    init(brokers: Int32 = 1) throws {
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, nil, nil, 0) else { throw MillraceError(.transport, "There is no client.") }
        self.client = client
        handle = rd_kafka_mock_cluster_new(client, brokers)
    }

    deinit {
        rd_kafka_mock_cluster_destroy(handle)
        rd_kafka_destroy(client)
    }

    /// Lets the next requests of a kind fail, one after the other.
    ///
    /// - Parameter request: Kafka's number of the API.
    func fail(_ request: Int16, with errors: [rd_kafka_resp_err_t]) {
        rd_kafka_mock_push_request_errors_array(handle, request, errors.count, errors)
    }

    /// Makes another broker lead a partition, as when its leader has gone.
    func lead(_ partition: TopicPartition, by broker: Int32) {
        rd_kafka_mock_partition_set_leader(handle, partition.topic, partition.partition, broker)
    }

    var bootstrapServers: String { String(cString: rd_kafka_mock_cluster_bootstraps(handle)) }
}

/// The transport on a mock cluster, whose topics are made without a request, and which makes topics that are asked for.
final class MockTransport: Transport {
    private let cluster: MockCluster
    private let transport: KafkaTransport
    private let guarantee: ProcessingGuarantee

    /// - Parameter guarantee: That of all sessions. The mock forgets offsets that are committed in transactions.
    init(
        _ cluster: MockCluster, _ guarantee: ProcessingGuarantee = .exactlyOnce, transactionTimeout: Duration = .seconds(5),
        logger: MillraceLogger = .silent
    ) throws {
        self.guarantee = guarantee
        self.cluster = cluster
        transport = try KafkaTransport(
            bootstrapServers: cluster.bootstrapServers,
            options: KafkaOptions(transactionTimeout: transactionTimeout, requestTimeout: .seconds(5), logger: logger))
    }

    func describeTopic(_ name: String) throws -> TopicDescription? {
        guard try listTopics().contains(name), let partitions = try transport.partitionCount(of: name) else { return nil }
        return TopicDescription(name: name, id: TopicID(high: 0, low: 0), partitions: partitions, settings: [:])
    }

    func listTopics() throws -> [String] { try transport.listTopics() }

    func createTopic(_ topic: TopicSpecification) throws {
        rd_kafka_mock_topic_create(cluster.handle, topic.name, topic.partitions, 1)
    }

    func deleteRecords(before offsets: [TopicPartition: Offset]) throws { try transport.deleteRecords(before: offsets) }
    func offsetRange(of partition: TopicPartition) throws -> Range<Offset> { try transport.offsetRange(of: partition) }

    func committedOffsets(of group: String, for partitions: [TopicPartition]) throws -> [TopicPartition: CommittedOffset] {
        try transport.committedOffsets(of: group, for: partitions)
    }

    func openSession(named name: String, group: String) throws -> any TransportSession {
        try transport.openSession(named: name, group: group, guarantee: guarantee)
    }
}
