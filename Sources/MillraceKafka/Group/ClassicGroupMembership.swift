import CRdKafka
import MillraceCore
import MillraceSystem

/// A member of one of Kafka's classic groups, which all brokers have: by a consumer of librdkafka that subscribes and reads nothing.
///
/// The group shares out partitions with the range assignor, and `LeadingTopics` makes tasks of them. All members give up all tasks before they are shared out anew. Membership is
/// static: whoever ends keeps its tasks until the session timeout (`session.timeout.ms`), and finds them when it is back by then.
final class ClassicGroupMembership: CommittingMembership, @unchecked Sendable {
    /// The member's lasting name.
    let instanceID: String
    private let group: String
    private let consumer: KafkaClient
    private let queue: OpaquePointer
    private let leading: LeadingTopics
    private let onChange: @Sendable () -> Void
    private let monitor = Monitor()
    private var thread: BackgroundThread?
    private var target = TaskAssignment()
    private var targetIsNew = false
    /// The group waits until the worker holds nothing any more.
    private var isRevoked = false
    private var failure: MillraceError?
    private var isLeaving = false
    private var isOver = false
    private let logger: MillraceLogger

    /// Joins. What the group says comes later.
    init(
        _ transport: KafkaTransport, group: String, instanceID: String, leading: LeadingTopics, onChange: @escaping @Sendable () -> Void
    ) throws {
        self.group = group
        self.instanceID = instanceID
        self.leading = leading
        self.onChange = onChange
        logger = transport.options.logger
        consumer = try KafkaClient(
            RD_KAFKA_CONSUMER,
            settings: transport.settings([
                ("group.id", group), ("group.instance.id", instanceID), ("partition.assignment.strategy", "range"),
                ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("allow.auto.create.topics", "false"),
                // It is made to fetch for a moment, and reads nothing of that.
                ("queued.min.messages", "1"), ("queued.max.messages.kbytes", "1"),
            ]), logger: transport.options.logger, events: RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR)
        rd_kafka_poll_set_consumer(consumer.handle)
        guard let queue = rd_kafka_queue_get_consumer(consumer.handle) else {
            throw MillraceError(.transport, "librdkafka gave no queue for group \(group).")
        }
        self.queue = queue
        let topics = PartitionList(capacity: leading.topics.count)
        for topic in leading.topics { topics.add(TopicPartition(topic, -1), offset: 0) }
        let code = rd_kafka_subscribe(consumer.handle, topics.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            rd_kafka_queue_destroy(queue)
            throw transport.failure(code, "Joining group \(group)")
        }
        thread = BackgroundThread { [self] in live() }
    }

    deinit { rd_kafka_queue_destroy(queue) }

    var memberID: String {
        guard let name = rd_kafka_memberid(consumer.handle) else { return "" }
        defer { rd_kafka_mem_free(consumer.handle, name) }
        return String(cString: name)
    }

    var memberEpoch: Int32? {
        guard monitor.locked({ failure == nil && !isLeaving }) else { return nil }
        return ConsumerGeneration.current(of: consumer)
    }

    func changedAssignment() throws -> TaskAssignment? {
        try monitor.locked {
            if let failure { throw failure }
            if isOver { throw MillraceError(.cancelled, "The app was asked to end.") }
            guard targetIsNew else { return nil }
            targetIsNew = false
            return target
        }
    }

    func report(_ held: TaskAssignment, positions: [TaskID: Int64]) {
        let isReady = monitor.locked {
            guard isRevoked, !targetIsNew, held.active.isEmpty else { return false }
            isRevoked = false
            return true
        }
        // Now the group may share everything out anew.
        if isReady { rd_kafka_assign(consumer.handle, nil) }
    }

    /// Classic groups cannot tell their members anything: the others go on.
    func shutDownApplication() {
        logger.log(
            .warning, "A classic group cannot end the app on its other instances: this one ends alone", ("group", group),
            ("member", instanceID))
        monitor.locked { isOver = true }
        onChange()
    }

    func leave() {
        let running = monitor.locked {
            isLeaving = true
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    /// Commits offsets outside of a transaction, as this member.
    func commit(_ offsets: PartitionList) -> rd_kafka_resp_err_t {
        rd_kafka_commit(consumer.handle, offsets.pointer, 0)
    }

    /// The thread's work: to listen to the group. librdkafka itself says that the member is alive, as long as somebody listens.
    private func live() {
        while !monitor.locked({ isLeaving || failure != nil }) {
            guard let event = rd_kafka_queue_poll(queue, 100) else { continue }
            defer { rd_kafka_event_destroy(event) }
            switch rd_kafka_event_type(event) {
            case RD_KAFKA_EVENT_REBALANCE: rebalance(event)
            case RD_KAFKA_EVENT_ERROR: listen(to: event)
            default: break
            }
        }
    }

    private func rebalance(_ event: OpaquePointer) {
        let isAssigned = rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
        if !isAssigned, rd_kafka_assignment_lost(consumer.handle) != 0 {
            return end(
                MillraceError(
                    .fenced,
                    "Group \(group) has put this member out: it was not heard of for longer than the session timeout, or took too long to give up tasks."
                ))
        }
        var tasks = TaskAssignment()
        if isAssigned, let list = rd_kafka_event_topic_partition_list(event) {
            do {
                for element in UnsafeBufferPointer(start: list.pointee.elems, count: Int(list.pointee.cnt)) {
                    tasks.active.insert(try leading.task(of: TopicPartition(String(cString: element.topic), element.partition)))
                }
            } catch {
                return end(error as? MillraceError ?? MillraceError(.transport, "\(error)"))
            }
            for index in 0..<Int(list.pointee.cnt) { list.pointee.elems[index].offset = Int64(RD_KAFKA_OFFSET_END) }
            rd_kafka_assign(consumer.handle, list)
            rd_kafka_pause_partitions(consumer.handle, list)
        }
        monitor.locked {
            target = tasks
            targetIsNew = true
            isRevoked = !isAssigned
        }
        onChange()
    }

    private func listen(to event: OpaquePointer) {
        let code = rd_kafka_event_error(event)
        let detail = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
        switch code {
        case RD_KAFKA_RESP_ERR__FATAL:
            // Another member of the same lasting name has come.
            end(MillraceError(.fenced, "Group \(group) has put this member out: \(detail)."))
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
            end(KafkaFailure.error(code, "Joining group \(group)", detail: detail))
        default: break
        }
    }

    private func end(_ error: MillraceError) {
        monitor.locked { if failure == nil { failure = error } }
        onChange()
    }
}
