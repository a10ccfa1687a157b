import BenchmarkScenarios
import Foundation
import MillraceCommandLine

/// The peer benchmark, on the embedded log or on a Kafka cluster: loads generated topics, and runs one scenario over them.
@main
struct MillraceBench {
    static let table = CommandLineTable(
        name: "millrace-bench",
        summary: "Loads the benchmark's topics into an embedded log, and runs its scenarios on them, or on those of a Kafka cluster.",
        operands: "[load TOPIC N]",
        options: [
            .init("log", value: "DIR", "The directory of the embedded log."),
            .init(
                "bootstrap", value: "SERVERS",
                "A Kafka cluster instead: its topics are there already, and who reads the output is somebody else."),
            .init("scenario", value: "NAME", "What to run: \(Scenario.allCases.map(\.rawValue).joined(separator: ", "))."),
            .init("in", value: "TOPICS", "Input topics, separated by commas; the scenario's own when left out."),
            .init("out", value: "TOPIC", "The output topic, made anew; \"SCENARIO-out\" when left out."),
            .init("group", value: "NAME", "The application id; a new one when left out. Its topics are deleted afterwards."),
            .init("guarantee", value: "NAME", "at_least_once or exactly_once_v2 (default)."),
            .init("threads", value: "N", "Worker threads, 1 when left out."),
            .init("commit", value: "MS", "The commit interval: 100 ms with exactly_once_v2, else 30 s, when left out."),
            .init("state", value: "DIR", "The directory for state; a temporary one when left out."),
            .init(
                "until", value: "WHEN",
                "When to end: \"end\", when the input has been processed; \"running\", when all state is restored; \"signal\", at SIGTERM."),
            .init("rate", value: "N", "Of latency and soak on a log: records a second, 1000 when left out."),
            .init(
                "seconds", value: "N",
                "Of latency on a log: how long it is measured, after 8 s of warm-up; 20 when left out. Of soak: how long it runs, 1800 when left out."
            ),
            .init("memory", value: "MB", "The app's memory budget, 256 MB when left out."),
            .init("case", value: "NAME", "Of budget on a log: \(BudgetCase.allCases.map(\.rawValue).joined(separator: ", "))."),
            .init("count", value: "N", "Of budget and growth on a log: how many records, 1000000 when left out."),
            .init("keys", value: "N", "Of growth on a log: how many keys the state has, 1000000 when left out."),
            .init("conf", value: "TEXT", "Taken for the sake of the contract, and not used."),
        ],
        footer: """
            load makes TOPIC (lines, words, transactions, left, right, clicks, users, state) anew with N records in 4 partitions.
            restore is a table that is kept: with --state and --group it is built by a first run, and restored by further ones with --until running.
            latency on a log sends, counts and reads in one process, and prints percentiles of the time from when a record was due to when its count was read.
            soak on a log feeds a fixed set of keys at a steady rate, prints a line of JSON about memory every few seconds, and fails when memory grows.
            growth on a log counts every key once, starts anew, and measures what further records of keys drawn at random take.
            budget on a log makes input that would like much memory, and prints how much the process took.
            A run prints one line of JSON: records, times, CPU seconds, memory, and the checksum of the output.
            """)

    static func main() async {
        do {
            let arguments = try table.parse(CommandLine.arguments.dropFirst())
            if arguments.has("help") { return print(table.help, terminator: "") }
            if arguments.operands.first == "load" {
                guard let log = arguments["log"] else { throw CommandLineError("--log is missing: the directory of the embedded log.") }
                try TopicLoader.load(arguments.operands.dropFirst(), into: log)
            } else {
                print(try await ScenarioRun(arguments).run())
            }
        } catch {
            FileHandle.standardError.write(Data("millrace-bench: \(error)\n".utf8))
            exit(error is CommandLineError ? 2 : 1)
        }
    }
}
