import CRdKafka
import MillraceCluster
import MillraceCore

/// A session on a Kafka cluster: a consumer and a producer of librdkafka. See `TransportSession`.
final class KafkaSession: TransportSession {
    let transport: KafkaTransport
    let name: String
    private let group: String
    /// What commits carry; `nil` while no group shares out the app's tasks.
    private var place: GroupPlace?
    /// The partitions that are read, and what was committed last for those of them that have an offset.
    private var assigned: Set<TopicPartition> = []
    private var committed: [TopicPartition: CommittedOffset] = [:]
    private(set) var consumer: KafkaClient?
    private var outlet: (any CommitOutlet)?
    private let pipe: WakePipe
    private(set) var queues: [PartitionQueue] = []
    /// Those of which nothing comes are looked after.
    var watch = QuietWatch()
    /// A broker has said what is not true, and librdkafka believes it.
    private var needsConsumer = false
    /// Topics that the consumer knows the leaders of.
    private var known: Set<String> = []
    /// Where librdkafka puts what concerns no single partition.
    private var general: OpaquePointer?
    private var pool = FetchedBlockPool()
    private let messages = UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>.allocate(capacity: 8192)
    /// Where the next poll begins, so that no partition starves the others.
    private var turn = 0
    /// Messages that librdkafka keeps for a partition before it stops fetching.
    private static let queueLength = 20_000

    init(_ transport: KafkaTransport, name: String, group: String, guarantee: ProcessingGuarantee) throws {
        self.transport = transport
        self.name = name
        self.group = group
        pipe = try WakePipe()
        let consumer = try KafkaSession.makeConsumer(transport, group: group)
        self.consumer = consumer
        general = rd_kafka_queue_get_consumer(consumer.handle)
        switch guarantee {
        case .exactlyOnce: outlet = try TransactionalOutlet(transport, name: name, group: group)
        case .atLeastOnce: outlet = PlainOutlet(transport, consumer: consumer)
        }
    }

    deinit {
        close()
        messages.deallocate()
    }

    private static func makeConsumer(_ transport: KafkaTransport, group: String) throws -> KafkaClient {
        let consumer = try KafkaClient(
            RD_KAFKA_CONSUMER,
            settings: transport.settings([
                ("group.id", group), ("isolation.level", "read_committed"), ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"), ("auto.offset.reset", "error"), ("enable.partition.eof", "true"),
                ("allow.auto.create.topics", "false"), ("check.crcs", "true"), ("fetch.error.backoff.ms", "100"),
                // A broker is asked for one thing at a time: what is new, or has room again, waits for the answer about what has nothing.
                ("fetch.wait.max.ms", "50"),
                ("queued.min.messages", "\(KafkaSession.queueLength)"),
                ("queued.max.messages.kbytes", "\(max(1024, transport.options.prefetchBytes / 1024))"),
            ]), logger: transport.options.logger)
        // What concerns all partitions comes by the consumer's queue too, and by no other.
        rd_kafka_poll_set_consumer(consumer.handle)
        return consumer
    }

    func assign(_ positions: [TopicPartition: Offset]) throws {
        for (partition, offset) in positions.sorted(by: { $0.key < $1.key }) {
            let range = try transport.offsetRange(of: partition)
            guard offset >= range.lowerBound, offset <= range.upperBound else {
                throw MillraceError(
                    .transport,
                    "Reading \(partition) cannot start at offset \(offset): it holds \(range.lowerBound) up to, not including, \(range.upperBound)."
                )
            }
        }
        watch.forget()
        try read(positions)
    }

    /// As `assign`, from offsets that are there.
    private func read(_ positions: [TopicPartition: Offset]) throws {
        let consumer = try openConsumer()
        let list = PartitionList(capacity: positions.count)
        for (partition, offset) in positions { list.add(partition, offset: offset.value) }
        queues.removeAll()
        turn = 0
        assigned = Set(positions.keys)
        committed = committed.filter { assigned.contains($0.key) }
        rd_kafka_assign(consumer.handle, nil)
        queues = try positions.sorted { $0.key < $1.key }.map { partition, offset in
            guard let queue = PartitionQueue(partition, from: offset, of: consumer, telling: pipe) else {
                throw transport.failure(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "Reading \(partition)")
            }
            return queue
        }
        guard !positions.isEmpty else { return }
        for topic in Set(positions.keys.map(\.topic)).subtracting(known).sorted() { try learn(topic, consumer) }
        let code = rd_kafka_assign(consumer.handle, list.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw transport.failure(code, "Assigning partitions to session \(name)") }
    }

    /// Reads on, where reading is now, with a new consumer: for when librdkafka has given the old one up without a word.
    func replaceConsumer() throws {
        needsConsumer = false
        let positions = Dictionary(uniqueKeysWithValues: queues.map { ($0.partition, Offset($0.position)) })
        let paused = queues.filter(\.isPaused).map(\.partition)
        closeConsumer()
        known = []
        let consumer = try KafkaSession.makeConsumer(transport, group: group)
        self.consumer = consumer
        general = rd_kafka_queue_get_consumer(consumer.handle)
        outlet?.use(consumer)
        try read(positions)
        for partition in paused { pause(partition) }
    }

    /// Lets the consumer know who leads the partitions of a topic. By itself it asks only half a second after it was told to read them.
    private func learn(_ topic: String, _ consumer: KafkaClient) throws {
        let deadline = transport.deadline
        while true {
            let code = consumer.learnLeaders(of: topic, timeoutMilliseconds: min(transport.timeoutMilliseconds, 5000))
            if code == RD_KAFKA_RESP_ERR_NO_ERROR { break }
            guard KafkaFailure.isPassing(code), transport.clock.monotonicNanoseconds() < deadline else {
                throw transport.failure(code, "Describing topic \(topic)")
            }
            Pause.wait(milliseconds: 50)
        }
        known.insert(topic)
    }

    func pause(_ partition: TopicPartition) {
        for queue in queues where queue.partition == partition { queue.isPaused = true }
    }

    func resume(_ partition: TopicPartition) {
        for queue in queues where queue.partition == partition { queue.isPaused = false }
    }

    func poll(maxBytes: Int, timeout: Duration) throws -> [FetchedBatches] {
        try lookAfterQuietPartitions()
        var fetched = try readQueues(maxBytes: maxBytes)
        guard fetched.isEmpty, timeout > .zero else { return fetched }
        let deadline = transport.clock.monotonicNanoseconds() &+ UInt64(min(max(0, timeout.milliseconds), 1 << 40)) &* 1_000_000
        while fetched.isEmpty {
            let now = transport.clock.monotonicNanoseconds()
            // Whole milliseconds, rounded up: or the last fraction of one would be waited for in a circle.
            let left = deadline > now ? (deadline - now + 999_999) / 1_000_000 : 0
            if left == 0 || pipe.wait(milliseconds: Int32(clamping: min(left, 1000))) { break }
            fetched = try readQueues(maxBytes: maxBytes)
        }
        return fetched
    }

    private func readQueues(maxBytes: Int) throws -> [FetchedBatches] {
        if needsConsumer { try replaceConsumer() }
        let consumer = try openConsumer()
        try readGeneral()
        var fetched: [FetchedBatches] = []
        var budget = max(maxBytes, 1)
        for step in queues.indices {
            let index = (turn + step) % queues.count
            let queue = queues[index]
            guard !queue.isPaused else { continue }
            let block = pool.take()
            let reading: PartitionQueue.Reading
            do { reading = try queue.read(maxBytes: budget, messages: messages, into: block) } catch  where !fetched.isEmpty {
                // What was read counts; the next poll comes here first and throws.
                queue.postpone(error)
                turn = index
                return fetched
            } catch let outside as OutOfRange {
                try check(outside, queue)
                // Not here, where something of the old one is still in use.
                needsConsumer = true
                return []
            }
            guard reading.hasMoved else { continue }
            if queue.hasRoomAgain(full: KafkaSession.queueLength) { nudge(queue.partition, consumer) }
            fetched.append(
                FetchedBatches(
                    partition: queue.partition, bytes: block.bytes, owner: block, nextOffset: Offset(queue.position),
                    endOffset: Offset(max(queue.position, knownEnd(of: queue.partition, consumer)))))
            budget -= reading.bytes
            if budget <= 0 {
                turn = (index + 1) % queues.count
                break
            }
        }
        return fetched
    }

    /// Asks the leader whether it is true that a partition does not have what comes next.
    private func check(_ outside: OutOfRange, _ queue: PartitionQueue) throws {
        let range = try transport.offsetRange(of: queue.partition)
        guard range.lowerBound.value <= queue.position, queue.position <= range.upperBound.value else { throw outside.error }
        transport.options.logger.log(
            .warning,
            "A broker was asked that does not lead a partition, and does not have all of it yet; reading goes on with a new client",
            ("partition", "\(queue.partition)"), ("position", "\(queue.position)"), ("session", name))
    }

    /// The end as the last answer to a fetch told it.
    private func knownEnd(of partition: TopicPartition, _ consumer: KafkaClient) -> Int64 {
        var (low, high): (Int64, Int64) = (0, 0)
        let code = rd_kafka_get_watermark_offsets(consumer.handle, partition.topic, partition.partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR ? high : 0
    }

    /// Makes librdkafka look whether there is room to fetch into, which it does once a second by itself when it has stopped (until its version 2.2): asking the broker that
    /// leads the partition for something wakes the thread that fetches from it.
    private func nudge(_ partition: TopicPartition, _ consumer: KafkaClient) {
        // Nobody waits for the answer.
        _ = consumer.offsets(.last, of: [partition], timeoutMilliseconds: 1)
    }

    /// Connections that break are librdkafka's own to mend, and it logs them; what it cannot mend ends the session.
    private func readGeneral() throws {
        guard let general, rd_kafka_queue_length(general) > 0 else { return }
        let found = rd_kafka_consume_batch_queue(general, 0, messages.baseAddress, 64)
        guard found > 0 else { return }
        var failure: MillraceError?
        for index in 0..<found {
            guard let message = messages[index] else { continue }
            defer { rd_kafka_message_destroy(message) }
            let code = message.pointee.err
            guard
                [RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED].contains(code)
            else { continue }
            failure = transport.failure(code, "Reading in session \(name)")
        }
        if let failure { throw failure }
    }

    func wake() {
        pipe.wake()
    }

    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset]) throws -> [Offset] {
        guard let outlet else { throw closed }
        guard !outputs.isEmpty || !offsets.isEmpty else { return [] }
        defer { transport.forgetRanges() }
        var offsets = offsets
        // Only offsets bring the group to look at who commits: records alone go with one that is committed once more.
        if place != nil, offsets.isEmpty, let known = committed.first { offsets[known.key] = known.value }
        let firsts = try outlet.commit(outputs, offsets: offsets, place: place)
        for (partition, offset) in offsets where assigned.contains(partition) { committed[partition] = offset }
        return firsts
    }

    func join(_ declaration: GroupDeclaration) throws -> (any GroupMembership)? {
        guard let cluster = transport.cluster, transport.hasStreamsGroups else { return try joinClassicGroup(declaration) }
        let membership = try cluster.joinStreamsGroup(
            group, memberID: Cluster.makeMemberID(), declaration,
            replicationFactor: Int16(clamping: transport.options.replicationFactor ?? -1), logger: transport.options.logger
        ) { [pipe] in pipe.wake() }
        place = GroupPlace(group: group, membership: membership, clock: transport.clock)
        return membership
    }

    private func joinClassicGroup(_ declaration: GroupDeclaration) throws -> any GroupMembership {
        let leading = try LeadingTopics(of: declaration) { [transport] in try transport.partitionCount(of: $0) }
        let membership = try ClassicGroupMembership(transport, group: group, instanceID: name, leading: leading) { [pipe] in
            pipe.wake()
        }
        place = GroupPlace(group: group, membership: membership, clock: transport.clock)
        return membership
    }

    func close() {
        watch.end()
        closeConsumer()
        outlet = nil
        place = nil
    }

    private func closeConsumer() {
        // librdkafka 2.0 waits forever for a client that is still to read a topic which was deleted.
        if let consumer, !assigned.isEmpty { rd_kafka_assign(consumer.handle, nil) }
        assigned = []
        for queue in queues { queue.drain(messages) }
        queues.removeAll()
        if let general { rd_kafka_queue_destroy(general) }
        general = nil
        consumer = nil
    }

    private func openConsumer() throws -> KafkaClient {
        guard let consumer else { throw closed }
        return consumer
    }

    private var closed: MillraceError { MillraceError(.transport, "The session \(name) is closed.") }
}
