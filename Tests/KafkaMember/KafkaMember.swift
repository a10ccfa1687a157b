import Foundation
import Millrace
import MillraceKafka

/// One process of an app that shares its tasks with others, for tests on a real cluster: `Scripts/kafka-chaos` and `SharedTasksTests` start several, and kill some.
///
///     kafka-member produce SERVERS COUNT PARTITIONS [SECONDS]   write COUNT numbers, all along SECONDS
///     kafka-member run SERVERS APP STATE-DIRECTORY              count them by their last digits, until SIGTERM
///     kafka-member await SERVERS COUNT SECONDS                  wait until as many counts are there
///     kafka-member check SERVERS COUNT                          compare all that was written with what had to be
@main
struct KafkaMember {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            switch (arguments.first, arguments.count) {
            case ("produce", 4...):
                let seconds = arguments.count > 4 ? Double(arguments[4]) ?? 0 : 0
                try Numbers(on: arguments[1]).produce(Int(arguments[2]) ?? 0, Int32(arguments[3]) ?? 6, seconds: seconds)
            case ("run", 4...): try await run(arguments[1], application: arguments[2], state: arguments[3])
            case ("await", 4...): try Numbers(on: arguments[1]).wait(for: Int(arguments[2]) ?? 0, seconds: Double(arguments[3]) ?? 60)
            case ("check", 3...): try Numbers(on: arguments[1]).check(Int(arguments[2]) ?? 0)
            default:
                say("usage: kafka-member produce|run|await|check SERVERS ...")
                exit(2)
            }
        } catch {
            say("kafka-member: \(error)")
            exit(1)
        }
    }

    private static func run(_ servers: String, application: String, state: String) async throws {
        let environment = ProcessInfo.processInfo.environment
        // With librdkafka's own `debug` among the settings, what it says is of this level.
        let logger = MillraceLogger(level: environment["LOG_LEVEL"] == "debug" ? .debug : .info) { level, message, fields in
            say(
                "\(Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))) \(level) \(message) \(fields.map { "\($0.0)=\($0.1)" }.joined(separator: " "))"
            )
        }
        let transport = try KafkaTransport(bootstrapServers: servers, options: KafkaOptions(settings: settings, logger: logger))
        var configuration = StreamsConfiguration(applicationID: application)
        configuration.logger = logger
        configuration.threads = 2
        configuration.onStateChange = { say("\(Date()) state \($0)") }
        if environment["AT_LEAST_ONCE"] != nil { configuration.guarantee = .atLeastOnce }
        let app = StreamsApp(try Numbers.topology(), on: .kafka(transport, state: state), configuration: configuration)
        if let seconds = environment["END_EVERYWHERE_AFTER"].flatMap({ Double($0) }) {
            Task {
                try await Task.sleep(for: .seconds(seconds))
                app.shutDownApplication()
            }
        }
        try await app.runUntilSignalled()
        say("processed \(app.processedRecords)")
    }

    /// Settings of librdkafka, as `SETTINGS` in the environment gives them: `name=value name=value`.
    static let settings: [String: String] = {
        let pairs = (ProcessInfo.processInfo.environment["SETTINGS"] ?? "").split(separator: " ").map {
            $0.split(separator: "=", maxSplits: 1)
        }
        return pairs.reduce(into: [:]) { settings, pair in settings[String(pair[0])] = String(pair.dropFirst().first ?? "") }
    }()

    private static func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
