import Foundation
import Millrace
import MillraceCommandLine
import MillraceHTTP
import MillraceKafka

/// One run of an example: its options, what it runs on, and the app.
public final class ExampleRun: Sendable {
    public let options: ExampleOptions
    private let applicationID: String
    private let backend: StreamsBackend
    /// `nil` on a Kafka cluster.
    let log: EmbeddedLog?
    var transport: any Transport { backend.transport }

    /// Lines may be long, and a line may be one long word: bytes that a batch of any topic may have.
    private static let longestRecord = "536870912"

    /// What an example is made of.
    public struct Program: Sendable {
        var name: String
        var applicationID: String
        var summary: String
        var input: String
        var topics: [String]
        var topology: @Sendable () throws -> Topology
        var body: @Sendable (ExampleRun, Topology) async throws -> Void

        /// - Parameters:
        ///   - input: What `--input` means, for the help.
        ///   - topics: The topics to create, the input first.
        public init(
            name: String, applicationID: String, summary: String, input: String, topics: [String],
            topology: @escaping @Sendable () throws -> Topology, body: @escaping @Sendable (ExampleRun, Topology) async throws -> Void
        ) {
            self.name = name
            self.applicationID = applicationID
            self.summary = summary
            self.input = input
            self.topics = topics
            self.topology = topology
            self.body = body
        }
    }

    private init(_ program: Program, _ options: ExampleOptions) throws {
        self.options = options
        applicationID = program.applicationID
        let logger = ExampleRun.logger(options)
        let state = options.data + "/state"
        if let servers = options.kafka {
            log = nil
            backend = .kafka(try KafkaTransport(bootstrapServers: servers, options: KafkaOptions(logger: logger)), state: state)
        } else {
            let log = try EmbeddedLog.open(at: options.data + "/log", options: EmbeddedLogOptions(logger: logger))
            self.log = log
            backend = .embedded(log, statePath: state)
        }
        for topic in program.topics {
            if let present = try transport.describeTopic(topic) {
                guard let wanted = options.partitions, wanted != Int(present.partitions), topic == program.topics[0] else { continue }
                throw MillraceError(
                    .configuration,
                    "\(options.kafka ?? options.data) has \(topic) with \(present.partitions) partitions, not \(wanted). Leave --partitions out, or use another --data."
                )
            } else {
                try transport.createTopic(
                    TopicSpecification(
                        topic, partitions: Int32(options.partitions ?? 1),
                        // The payments tell of times long ago: a topic that forgets after a week would forget them at once.
                        settings: ["max.message.bytes": ExampleRun.longestRecord, "retention.ms": "-1"]))
            }
        }
    }

    /// Runs a program as `main` does: reads the command line, and ends the process with status 1 and a message when something fails.
    public static func main(_ program: Program) async {
        let defaultData = "data/\(program.applicationID)"
        let table = ExampleOptions.table(name: program.name, summary: program.summary, input: program.input, defaultData: defaultData)
        do {
            let arguments = try table.parse(CommandLine.arguments.dropFirst())
            if arguments.has("help") { return print(table.help, terminator: "") }
            let options = try ExampleOptions(arguments, defaultData: defaultData)
            let topology = try program.topology()
            if arguments.has("describe") { return print(topology.describe(), terminator: "") }
            if arguments.has("dot") { return print(topology.graphviz(), terminator: "") }
            let run = try ExampleRun(program, options)
            try await program.body(run, topology)
            try run.log?.close()
        } catch {
            StandardError.write("\(program.name): \(error)\n")
            exit(error is CommandLineError ? 2 : 1)
        }
    }

    /// Imports the input and processes it, until all is done and committed, or for ever with `--follow`; Ctrl-C stops gracefully.
    ///
    /// - Parameters:
    ///   - path: The input when `--input` does not say.
    ///   - parse: Makes a record of each line.
    /// - Returns: Whether everything was processed, and not stopped before.
    public func process(
        _ topology: Topology, input path: String, into topic: String, failures: FailurePolicies,
        parse:
            @escaping @Sendable (_ line: UnsafeRawBufferPointer, _ number: Int64) -> (
                key: [UInt8]?, value: UnsafeRawBufferPointer, timestamp: Timestamp
            )?
    ) async throws -> Bool {
        var configuration = StreamsConfiguration(applicationID: applicationID)
        configuration.threads = options.threads
        configuration.failures = failures
        configuration.logger = ExampleRun.logger(options)
        // For the same reason: windows long ago by the clock may still be open by the time of the payments.
        configuration.windowChangelogAdditionalRetention = .seconds(100 * 365 * 24 * 3600)
        configuration.internalTopicSettings = ["max.message.bytes": ExampleRun.longestRecord]
        let work = ImportedWork()
        configuration.onRestore = { work.tell($0) }
        let app = StreamsApp(topology, on: backend, configuration: configuration)
        let server = try options.http.map { try app.serveHTTP(port: $0) }
        defer { server?.stop() }
        if let server { StandardError.write("Metrics are at http://\(server.address):\(server.port)/metrics\n") }
        let input = options.input ?? path
        // The input is read on a thread of its own, since reading blocks.
        Thread.detachNewThread { [self] in
            do {
                let importer = try LineImporter(input, into: topic, of: transport, app: applicationID, parse: parse)
                try importer.run(follow: options.follow) {
                    work.show(records: app.processedRecords, share: importer.shareRead)
                    return work.appHasEnded
                }
                work.importEnded(nil)
            } catch {
                // What was read before is processed all the same.
                work.importEnded(error)
            }
            app.shutDownWhenIdle()
            while !work.appHasEnded {
                work.show(records: app.processedRecords, share: nil)
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
        defer { work.appEnded() }
        try await app.runUntilSignalled()
        for (reason, count) in app.droppedRecords.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            StandardError.write("\(count) records were left out in this run: \(reason.rawValue)\n")
        }
        return try work.importIsComplete()
    }

    private static func logger(_ options: ExampleOptions) -> MillraceLogger {
        MillraceLogger(level: options.verbose ? .info : .warning) { level, message, metadata in
            let details = metadata.map { " \($0.0)=\($0.1)" }.joined()
            StandardError.write("\(level): \(message)\(details)\n")
        }
    }
}
