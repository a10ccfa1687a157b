import CRdKafka
import MillraceCore

/// Describing and making topics.
extension KafkaTransport {
    /// - Throws: `MillraceError` of kind `transport` when the cluster does not answer.
    public func describeTopic(_ name: String) throws -> TopicDescription? {
        while true {
            if let partitions = try partitionCount(of: name), let id = try topicID(of: name) {
                return TopicDescription(name: name, id: id, partitions: partitions, settings: try settings(of: name))
            }
            guard isNew(name) else { return nil }
            Pause.wait(milliseconds: 50)
        }
    }

    /// Whether a topic was made a moment ago: then brokers that do not know it have not heard of it yet.
    private func isNew(_ topic: String) -> Bool {
        newTopics.withLock { $0[topic] }.map { clock.monotonicNanoseconds() &- $0 < 10_000_000_000 } ?? false
    }

    public func listTopics() throws -> [String] {
        let metadata = try metadata(of: nil, "Listing the topics")
        defer { rd_kafka_metadata_destroy(metadata) }
        return (0..<Int(metadata.pointee.topic_cnt)).map { String(cString: metadata.pointee.topics[$0].topic) }.sorted()
    }

    public func createTopic(_ topic: TopicSpecification) throws {
        let what = "Creating topic \(topic.name)"
        var message = [CChar](repeating: 0, count: 512)
        guard
            let new = rd_kafka_NewTopic_new(
                topic.name, topic.partitions, Int32(clamping: options.replicationFactor ?? -1), &message, message.count)
        else {
            throw MillraceError(.configuration, "\(what) failed: \(ClientSettings.text(message)).")
        }
        defer { rd_kafka_NewTopic_destroy(new) }
        for (name, value) in topic.settings { rd_kafka_NewTopic_set_config(new, name, value) }
        let answer = try admin.request(
            what, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout: options.requestTimeout,
            configure: { [timeoutMilliseconds] in rd_kafka_AdminOptions_set_operation_timeout($0, timeoutMilliseconds, nil, 0) },
            send: { [admin] options, queue in
                var topics: [OpaquePointer?] = [new]
                rd_kafka_CreateTopics(admin.handle, &topics, 1, options, queue)
            })
        var count = 0
        guard let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer.event), &count), count == 1 else {
            throw failure(RD_KAFKA_RESP_ERR__BAD_MSG, what)
        }
        let code = rd_kafka_topic_result_error(results[0])
        // Another process, or the group, may just have made it: whoever looks at once must find it.
        if [RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS].contains(code) {
            let now = clock.monotonicNanoseconds()
            newTopics.withLock { $0[topic.name] = now }
        }
        if code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS { try waitUntilKnown(topic.name) { $0 != nil } }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw failure(code, what, detail: rd_kafka_topic_result_error_string(results[0]).map { String(cString: $0) })
        }
        try waitUntilKnown(topic.name) { $0 == topic.partitions }
    }

    /// A broker may hear of a new topic a moment after it was made.
    private func waitUntilKnown(_ topic: String, _ isKnown: (_ partitions: Int32?) -> Bool) throws {
        let deadline = deadline
        while try !isKnown(partitionCount(of: topic)) {
            guard clock.monotonicNanoseconds() < deadline else { throw failure(RD_KAFKA_RESP_ERR__TIMED_OUT, "Creating topic \(topic)") }
            Pause.wait(milliseconds: 20)
        }
    }

    /// The number of partitions; `nil` when there is no such topic. The topic is not made by being asked for.
    func partitionCount(of topic: String) throws -> Int32? {
        let what = "Describing topic \(topic)"
        let deadline = deadline
        while true {
            let metadata = try metadata(of: topic, what)
            defer { rd_kafka_metadata_destroy(metadata) }
            guard metadata.pointee.topic_cnt > 0 else { return nil }
            let found = metadata.pointee.topics[0]
            switch found.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR: return found.partition_cnt > 0 ? found.partition_cnt : nil
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: return nil
            case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE where clock.monotonicNanoseconds() < deadline: Pause.wait(milliseconds: 50)
            case let code: throw failure(code, what)
            }
        }
    }

    /// - Parameter topic: All topics when `nil`.
    private func metadata(of topic: String?, _ what: String) throws -> UnsafePointer<rd_kafka_metadata> {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let handle = topic.flatMap { rd_kafka_topic_new(admin.handle, $0, nil) }
        defer { if let handle { rd_kafka_topic_destroy(handle) } }
        if let topic, handle == nil {
            throw MillraceError(.configuration, "\(what) failed: \"\(topic)\" cannot be the name of a topic.")
        }
        let deadline = deadline
        while true {
            // One broker is asked at a time, and it may be one that does not answer.
            let code = rd_kafka_metadata(admin.handle, topic == nil ? 1 : 0, handle, &metadata, min(timeoutMilliseconds, 5000))
            if code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata { return metadata }
            guard KafkaFailure.isPassing(code), clock.monotonicNanoseconds() < deadline else { throw failure(code, what) }
            Pause.wait(milliseconds: 50)
        }
    }

    /// The settings of a topic that are not Kafka's defaults, be they the topic's own or the cluster's. None when the cluster does not tell them.
    private func settings(of topic: String) throws -> [String: String] {
        let what = "Asking for the settings of topic \(topic)"
        guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic) else { return [:] }
        defer { rd_kafka_ConfigResource_destroy(resource) }
        let deadline = deadline
        var answer: AdminAnswer?
        while answer == nil {
            do {
                answer = try admin.request(
                    what, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout: options.requestTimeout,
                    send: { [admin] options, queue in
                        var resources: [OpaquePointer?] = [resource]
                        rd_kafka_DescribeConfigs(admin.handle, &resources, 1, options, queue)
                    })
            } catch let error as MillraceError where error.isRetriable {
                // The broker that was asked may have gone meanwhile.
                guard clock.monotonicNanoseconds() < deadline else { throw error }
                Pause.wait(milliseconds: 50)
            } catch let error as MillraceError {
                options.logger.log(.debug, "The cluster does not tell the settings of a topic", ("topic", topic), ("error", "\(error)"))
                return [:]
            }
        }
        guard let answer else { return [:] }
        var count = 0
        guard let results = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer.event), &count),
            count == 1
        else { throw failure(RD_KAFKA_RESP_ERR__BAD_MSG, what) }
        guard rd_kafka_ConfigResource_error(results[0]) == RD_KAFKA_RESP_ERR_NO_ERROR else { return [:] }
        var settings: [String: String] = [:]
        var entries = 0
        guard let configs = rd_kafka_ConfigResource_configs(results[0], &entries) else { return [:] }
        for index in 0..<entries where rd_kafka_ConfigEntry_is_default(configs[index]) == 0 {
            guard let name = rd_kafka_ConfigEntry_name(configs[index]), let value = rd_kafka_ConfigEntry_value(configs[index]) else {
                continue
            }
            settings[String(cString: name)] = String(cString: value)
        }
        return settings
    }

    /// The topic's UUID, which librdkafka 2.0 does not tell. Where our own connection cannot be used a stand-in: the same for all topics that ever had this name.
    ///
    /// - Returns: `nil` when the topic is gone.
    private func topicID(of name: String) throws -> TopicID? {
        if let cluster {
            let deadline = deadline
            while true {
                if let id = try cluster.topicIDs(of: [name])[name] { return id }
                // Another broker may hear of a new topic later than the one that librdkafka asks.
                guard try partitionCount(of: name) != nil else { return nil }
                guard clock.monotonicNanoseconds() < deadline else {
                    throw failure(RD_KAFKA_RESP_ERR__TIMED_OUT, "Asking for the id of topic \(name)")
                }
                Pause.wait(milliseconds: 20)
            }
        }
        func hash(_ basis: UInt64) -> UInt64 { name.utf8.reduce(basis) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } }
        return TopicID(high: hash(0xcbf2_9ce4_8422_2325), low: hash(0x8422_2325_cbf2_9ce4))
    }

    /// The moment at which a call that is made now has taken too long.
    var deadline: UInt64 { clock.monotonicNanoseconds() &+ UInt64(max(0, options.requestTimeout.milliseconds)) &* 1_000_000 }
}
