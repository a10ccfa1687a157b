import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceLog

/// The command `millrace`: looks at and works on the log of a data directory.
@main
struct Millrace {
    static let tree = CommandTree(
        name: "millrace",
        summary: "Looks at the topics, records and consumer groups of a Millrace data directory, and changes them.",
        branches: [
            .tree("topics", TopicCommands.tree),
            .command("produce", ProduceCommand.table, ProduceCommand.run),
            .command("consume", ConsumeCommand.table, ConsumeCommand.run),
            .tree("groups", GroupCommands.tree),
            .tree("log", LogCommands.tree),
            .tree("dead-letters", DeadLetterCommands.tree),
        ],
        footer: """
            Every command takes --data DIR: the directory that the app was given. Without it, MILLRACE_DATA counts, and without that, ./data.
            Commands that only read work while the app runs. Those that write need the app to be stopped, and say which process to stop.

            First steps:
              millrace topics create words --partitions 4
              echo 'hello world' | millrace produce words
              millrace consume words --from earliest
              millrace groups describe counts
            """)

    static func main() {
        // A reader that went away, such as head, ends the output and is no fault.
        signal(SIGPIPE, SIG_DFL)
        do {
            try tree.run(CommandLine.arguments.dropFirst())
            fflush(nil)
        } catch {
            fflush(nil)
            let message = (error as? MillraceError)?.message ?? "\(error)"
            FileHandle.standardError.write(Data("millrace: \(message)\n".utf8))
            exit(error is CommandLineError ? 2 : 1)
        }
    }
}
