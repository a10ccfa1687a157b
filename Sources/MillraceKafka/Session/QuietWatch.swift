import CRdKafka
import MillraceCore

/// Looks after the partitions of a session of which nothing comes.
struct QuietWatch {
    /// Looks at each partition so often, and waits so long.
    var limits = Quiet.Limits()
    fileprivate var partitions: [TopicPartition: Quiet] = [:]
    fileprivate let inquiry = EndInquiry()
    /// Where reading was when ends were asked for.
    fileprivate var asked: [TopicPartition: Int64] = [:]
    fileprivate var nextLook: UInt64 = 0
    fileprivate var nextQuestion: UInt64 = 0

    /// Other partitions are read from now on.
    mutating func forget() {
        partitions = [:]
    }

    /// The session is over.
    func end() {
        inquiry.end()
    }
}

extension KafkaSession {
    /// Finds partitions of which nothing comes though there is more, and does something about it.
    ///
    /// librdkafka may leave a partition with a broker that does not lead it any more: two answers about its leader, one quickly after the other, are enough (all versions so far:
    /// https://github.com/confluentinc/librdkafka/pull/5593). It says nothing then, and only a new client reads on.
    func lookAfterQuietPartitions() throws {
        let now = transport.clock.monotonicNanoseconds()
        guard now >= watch.nextLook, let consumer else { return }
        watch.nextLook = now + watch.limits.look
        let unknown = Quiet(watch.limits)
        for queue in queues {
            watch.partitions[queue.partition, default: unknown].look(at: queue.position, waits: queue.isWaiting, now: now)
        }
        if let ends = watch.inquiry.takeAnswer() {
            watch.nextQuestion = now + watch.limits.question
            if take(ends, now: now) { return try replaceConsumer() }
        }
        guard now >= watch.nextQuestion else { return }
        let quiet = queues.filter { watch.partitions[$0.partition]?.isQuiet(now: now) == true }
        guard !quiet.isEmpty else { return }
        let question = EndInquiry.Question(
            reader: consumer, admin: transport.admin, partitions: quiet.map(\.partition),
            written: quiet.map(\.partition).filter { watch.partitions[$0]?.isLongQuiet(now: now) == true })
        guard watch.inquiry.ask(question) else { return }
        watch.asked = Dictionary(uniqueKeysWithValues: quiet.map { ($0.partition, $0.position) })
    }

    /// - Returns: Whether a partition is not read that should be.
    private func take(_ ends: [TopicPartition: Quiet.End], now: UInt64) -> Bool {
        var isStuck = false
        for (partition, end) in ends.sorted(by: { $0.key < $1.key }) {
            guard let position = watch.asked[partition] else { continue }
            switch watch.partitions[partition]?.take(end, askedAt: position, now: now) {
            case .standsStill(let end, let nanoseconds)?:
                isStuck = true
                transport.options.logger.log(
                    .warning, "librdkafka has stopped reading a partition of which there is more; it is read on with a new client",
                    ("partition", "\(partition)"), ("position", "\(position)"), ("end", "\(end)"),
                    ("seconds", "\(nanoseconds / 1_000_000_000)"), ("session", name),
                    ("librdkafka", String(cString: rd_kafka_version_str())))
            case .isHeldBack(let end, let nanoseconds)?:
                transport.options.logger.log(
                    .warning,
                    "Records wait for a transaction that another producer has left open. If it never ends, kafka-transactions.sh find-hanging shows it, and abort ends it",
                    ("partition", "\(partition)"), ("position", "\(position)"), ("end", "\(end)"),
                    ("seconds", "\(nanoseconds / 1_000_000_000)"))
            case nil: break
            }
        }
        return isStuck
    }
}
