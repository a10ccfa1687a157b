import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceLog
import MillraceSystem

/// Measures the embedded log. Each command is one measurement in a process of its own, so that CPU time and memory are those of that alone, and prints one line of
/// `name=value`. `Benchmarks/measure-log` runs them all, beside Kafka's own tools.
@main
struct LogBench {
    static let tree = CommandTree(
        name: "millrace-log-bench", summary: "Measures the embedded log.",
        branches: [
            AppendAndRead.append, AppendAndRead.read, DiskSpeed.command, WakeLatency.command, GroupCommit.command, Opening.command,
            ManyPartitions.command, Compaction.command,
        ],
        footer: "Directories are made when they are missing, and left behind.")

    static func main() {
        do {
            try tree.run(CommandLine.arguments.dropFirst())
        } catch {
            FileHandle.standardError.write(Data("millrace-log-bench: \((error as? MillraceError)?.message ?? "\(error)")\n".utf8))
            exit(1)
        }
    }

    /// The topic of the measurements that need only one.
    static let topic = "t"

    /// The default durability, and nothing in the background that the measurement did not ask for.
    static func options(_ durability: Durability = .interval(.seconds(1))) -> EmbeddedLogOptions {
        EmbeddedLogOptions(durability: durability, housekeeping: nil)
    }

    /// The one directory that a command works in.
    static func directory(_ arguments: ParsedArguments) throws -> String {
        guard arguments.operands.count == 1 else { throw CommandLineError("Give one directory. See --help.") }
        return arguments.operands[0]
    }

    /// Ends the process as `kill -9` does: nothing is closed, nothing is synced.
    static func die() {
        kill(getpid(), SIGKILL)
    }
}
