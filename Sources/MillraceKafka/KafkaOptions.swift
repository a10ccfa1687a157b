import MillraceCore

/// How a cluster is spoken to. Everything has a default.
public struct KafkaOptions: Sendable {
    /// Settings of librdkafka by its own names, for all connections: `["security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", …]`.
    ///
    /// What decides about correctness cannot be set here, such as `isolation.level`: a setting that the transport needs for itself is refused. Values are never logged.
    public var settings: [String: String]
    /// How long a transaction may stay open before the broker gives it up; a commit that takes longer fails, and other readers wait so long for one whose writer died.
    ///
    /// Kafka: `transaction.timeout.ms`, which Kafka Streams sets to 10 s too.
    public var transactionTimeout: Duration
    /// How long an answer of the cluster is waited for, retries included, before the call throws.
    public var requestTimeout: Duration
    /// How many brokers keep each topic that is created; the cluster's own default when `nil`.
    public var replicationFactor: Int?
    /// Bytes that are fetched ahead of the reader, for each partition. Records take several times as much memory while they wait.
    public var prefetchBytes: Int
    /// Where the connections say what they do.
    public var logger: MillraceLogger

    /// Options with every default that is not given.
    public init(
        settings: [String: String] = [:], transactionTimeout: Duration = .seconds(10), requestTimeout: Duration = .seconds(30),
        replicationFactor: Int? = nil, prefetchBytes: Int = 4 << 20, logger: MillraceLogger = .silent
    ) {
        self.settings = settings
        self.transactionTimeout = transactionTimeout
        self.requestTimeout = requestTimeout
        self.replicationFactor = replicationFactor
        self.prefetchBytes = prefetchBytes
        self.logger = logger
    }
}
