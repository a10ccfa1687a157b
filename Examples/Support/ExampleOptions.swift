import MillraceCommandLine

/// The flags that all examples share.
public struct ExampleOptions: Sendable {
    public var input: String?
    public var data: String
    /// The bootstrap servers of a cluster to run on instead of the embedded log.
    public var kafka: String?
    public var output: String?
    public var top: Int
    /// `nil`: as many as there are, or one.
    public var partitions: Int?
    public var threads: Int
    public var follow: Bool
    public var verbose: Bool
    /// Where to serve metrics and health; `nil`: nowhere.
    public var http: Int?

    static func table(name: String, summary: String, input: String, defaultData: String) -> CommandLineTable {
        CommandLineTable(
            name: name, summary: summary,
            options: [
                .init("input", value: "FILE", input),
                .init("data", value: "DIR", "Keep topics and state here (default \(defaultData)); delete it to start over."),
                .init("kafka", value: "SERVERS", "Run on this Kafka cluster, as host:port; DIR then holds the state only."),
                .init("output", value: "FILE", "Write all results to this file, sorted by bytes."),
                .init("top", value: "N", "Show the N first in the chart (default 20; 0 shows none)."),
                .init("partitions", value: "N", "Partitions of the input topic, fixed when DIR is made (default: those of DIR, or 1)."),
                .init("threads", value: "N", "Threads that process (default 1)."),
                .init("follow", "Keep waiting for more input instead of ending with it."),
                .init(
                    "http", value: "PORT",
                    "Serve /metrics, /health/live and /health/ready to this machine at this port (0: any that is free, told on standard error)."
                ),
                .init("describe", "Print the topology in Kafka's text form and end."),
                .init("dot", "Print the topology as a Graphviz picture and end."),
                .init("verbose", "Say what the app does, on standard error."),
            ],
            footer: """
                It may be killed at any moment, with kill -9 too, and started again: it goes on from its last commit, and nothing is lost or counted twice.
                Input that was read stays read: what the file holds beyond is new, and another FILE adds to the same results. Standard input that was read to its end
                is done; standard input that was interrupted goes on where it was when the same text is given again.
                """)
    }

    init(_ arguments: ParsedArguments, defaultData: String) throws {
        input = arguments["input"]
        data = arguments["data"] ?? defaultData
        for option in ["input", "data", "output", "kafka"] where arguments[option] == "" {
            throw CommandLineError("--\(option) is empty. Give it a value, or leave it out.")
        }
        kafka = arguments["kafka"]
        output = arguments["output"]
        top = try arguments.integer("top", in: 0...1000) ?? 20
        partitions = try arguments.integer("partitions", in: 1...1000)
        threads = try arguments.integer("threads", in: 1...256) ?? 1
        http = try arguments.integer("http", in: 0...65535)
        follow = arguments.has("follow")
        verbose = arguments.has("verbose")
    }
}
