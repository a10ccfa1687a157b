import CRdKafka
import Millrace
import MillraceCluster
import MillraceCore
import Synchronization

/// Topics on a Kafka cluster, by librdkafka.
///
///     let transport = try KafkaTransport(bootstrapServers: "broker-1:9092,broker-2:9092")
///
/// A commit is one transaction of Kafka: outputs, changelogs and input offsets become visible together (Kafka: exactly-once v2). Reading leaves out what is not committed.
/// May be used by all threads; calls block until the cluster has answered, at most `KafkaOptions.requestTimeout`, and are not for Swift's cooperative threads.
public final class KafkaTransport: Transport {
    /// The brokers that were given to start from, as `host:port` with commas between them.
    public let bootstrapServers: String
    let options: KafkaOptions
    let clock: any WallClock
    /// For everything but reading and writing records.
    let admin: KafkaClient
    /// For what librdkafka does not speak: streams groups, and ids of topics. `nil` where the settings are such that only librdkafka can connect.
    let cluster: Cluster?
    private let streamsGroups = Mutex<Bool?>(nil)
    /// Ends of partitions that were asked for a moment ago: the engine asks in each round while a task waits for records to compare.
    let recentRanges = Mutex<[TopicPartition: RecentRange]>([:])

    /// When topics were made that not all brokers may have heard of yet.
    let newTopics = Mutex<[String: UInt64]>([:])

    struct RecentRange {
        var range: Range<Offset>
        var time: UInt64
    }

    /// A transport that connects when it is first used.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when a setting is unknown, impossible, or not the app's to set.
    public init(bootstrapServers: String, options: KafkaOptions = KafkaOptions(), clock: any WallClock = SystemClock()) throws {
        guard !bootstrapServers.isEmpty else {
            throw MillraceError(.configuration, "There are no bootstrap servers. Give at least one, as host:port.")
        }
        try ClientSettings.validate(options.settings)
        self.bootstrapServers = bootstrapServers
        self.options = options
        self.clock = clock
        do { cluster = try Cluster(bootstrapServers: bootstrapServers, settings: options.settings) } catch let error as MillraceError {
            options.logger.log(
                .warning, "With these settings only librdkafka can connect: tasks are shared by a classic group, without standbys",
                ("reason", error.message))
            cluster = nil
        }
        admin = try KafkaClient(
            RD_KAFKA_CONSUMER,
            settings: KafkaTransport.settings(
                bootstrapServers, options,
                // Ends of partitions include what is in open transactions, see `offsetRange`. The group is never joined; librdkafka wants a name.
                [("group.id", "millrace-admin"), ("isolation.level", "read_uncommitted"), ("allow.auto.create.topics", "false")]),
            logger: options.logger)
    }

    /// Processes of an app always share its tasks: by a streams group of Kafka (KIP-1071), which brokers have from Kafka 4.1 on, or else by a classic group.
    public var sharesTasks: Bool { true }

    /// Whether tasks are shared by a streams group. Asks the cluster once; where it does not answer, joining the group will say why.
    var hasStreamsGroups: Bool {
        streamsGroups.withLock { known in
            if let known { return known }
            let found = askForStreamsGroups()
            known = found
            return found
        }
    }

    private func askForStreamsGroups() -> Bool {
        guard let cluster else { return false }
        do {
            if try cluster.supportsStreamsGroups() { return true }
            options.logger.log(
                .notice,
                "The brokers have no streams groups (Kafka 4.1 and newer do, unless they are switched off): tasks are shared by a classic group, without standbys",
                ("bootstrap.servers", bootstrapServers))
            return false
        } catch {
            options.logger.log(.warning, "Whether the brokers have streams groups is not known", ("reason", "\(error)"))
            return true
        }
    }

    public func openSession(named name: String, group: String) throws -> any TransportSession {
        try openSession(named: name, group: group, guarantee: .exactlyOnce)
    }

    public func openSession(named name: String, group: String, guarantee: ProcessingGuarantee) throws -> any TransportSession {
        try KafkaSession(self, name: name, group: group, guarantee: guarantee)
    }

    /// What all clients are given, and what is `own` to one kind.
    func settings(_ own: [(String, String)]) -> [(String, String)] {
        KafkaTransport.settings(bootstrapServers, options, own)
    }

    private static func settings(_ bootstrapServers: String, _ options: KafkaOptions, _ own: [(String, String)]) -> [(String, String)] {
        let usual = [
            ("client.id", "millrace"), ("bootstrap.servers", bootstrapServers),
            // Told twice that a broker is gone, nobody knows more; back to it quickly when it returns.
            ("reconnect.backoff.ms", "50"), ("reconnect.backoff.max.ms", "2000"), ("log.connection.close", "false"),
            ("socket.nagle.disable", "true"), ("topic.metadata.refresh.sparse", "true"),
        ]
        // The app's come last but for those that it may not set, and so win over the usual ones.
        return usual + own + options.settings.sorted { $0.key < $1.key }
    }

    /// An error of a call to the cluster, with what is known of the connections.
    func failure(_ code: rd_kafka_resp_err_t, _ what: String, detail: String? = nil) -> MillraceError {
        KafkaFailure.error(code, what, detail: detail, trouble: admin.reports.lastTrouble)
    }

    var timeoutMilliseconds: Int32 { Int32(clamping: options.requestTimeout.milliseconds) }
}
