import Millrace

extension StreamsBackend {
    /// A Kafka cluster: topics and offsets live there, the state of each app in `state/APPLICATION-ID` on this machine. Kafka 2.5 or newer.
    ///
    ///     let app = StreamsApp(topology, on: try .kafka(bootstrapServers: "broker-1:9092"), configuration: configuration)
    ///
    /// The state may be deleted: it is rebuilt from its changelogs at the next start.
    ///
    /// - Parameters:
    ///   - bootstrapServers: Brokers to start from, as `host:port`, with commas between them.
    ///   - settings: Settings of librdkafka by its own names, for security above all.
    ///   - state: The directory of the state.
    /// - Throws: `MillraceError` of kind `configuration` when a setting is not possible. Whether the cluster can be reached shows when the app starts.
    public static func kafka(bootstrapServers: String, settings: [String: String] = [:], state: String = "state") throws -> StreamsBackend {
        kafka(try KafkaTransport(bootstrapServers: bootstrapServers, options: KafkaOptions(settings: settings)), state: state)
    }

    /// A cluster that a transport is open to already, for programs that also produce to it or read from it themselves.
    ///
    /// - Parameter stateMemory: Bytes for the database's cache and write buffers; a quarter of `StreamsConfiguration.memoryBudget` when `nil`.
    public static func kafka(_ transport: KafkaTransport, state: String, stateMemory: Int? = nil) -> StreamsBackend {
        StreamsBackend(transport: transport, clock: transport.clock, openState: rocksDBState(in: state, memory: stateMemory))
    }
}
