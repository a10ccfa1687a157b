import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceLog

/// Which directory a command works on, and how it is opened.
enum DataAccess {
    static let option = CommandLineTable.Option(
        "data", value: "DIR", "The app's data directory, or the log in it. Default: $MILLRACE_DATA, or ./data.")
    static let json = CommandLineTable.Option("json", "Print JSON for machines: one value, or one a line.")

    /// The directory of the log: what `--data` names, or `log` in it, where an app with the embedded default keeps it.
    static func path(_ arguments: ParsedArguments) -> String {
        let given = arguments["data"] ?? ProcessInfo.processInfo.environment["MILLRACE_DATA"] ?? "data"
        let files = POSIXFileSystem()
        return !files.exists(given + "/millrace.format") && files.exists(given + "/log/millrace.format") ? given + "/log" : given
    }

    /// The log as it is, also while an app writes to it.
    static func observe(_ arguments: ParsedArguments) throws -> EmbeddedLog {
        try EmbeddedLog.observe(at: existingPath(arguments))
    }

    /// The directory of a log that is there, so that a slip of the finger makes no new one.
    private static func existingPath(_ arguments: ParsedArguments) throws -> String {
        let path = path(arguments)
        guard POSIXFileSystem().exists(path + "/millrace.format") else {
            throw MillraceError(
                .configuration,
                "There is no log in \(path). Say with --data DIR, or by MILLRACE_DATA, which directory the app was given; \"millrace topics create\" makes a new one."
            )
        }
        return path
    }

    /// Runs `body` with the log open for writing, and closes it.
    ///
    /// - Parameter creating: Whether a log that is not there is made.
    static func write<Result>(_ arguments: ParsedArguments, creating: Bool = false, _ body: (EmbeddedLog) throws -> Result) throws -> Result
    {
        let path = creating ? path(arguments) : try existingPath(arguments)
        let log = try EmbeddedLog.open(at: path, options: EmbeddedLogOptions(durability: .onCommit))
        let result: Result
        do {
            result = try body(log)
        } catch {
            // What failed says more than what closing might add.
            try? log.close()
            throw error
        }
        try log.close()
        return result
    }

    /// The one topic or group that a command is about.
    static func operand(_ arguments: ParsedArguments, _ what: String) throws -> String {
        guard arguments.operands.count == 1 else {
            throw CommandLineError("Give one \(what), not \(arguments.operands.count). See --help.")
        }
        return arguments.operands[0]
    }

    /// The topic of this name.
    static func topic(_ name: String, in log: EmbeddedLog) throws -> TopicDescription {
        if let topic = try log.describeTopic(name) { return topic }
        let known = try log.listTopics()
        let list =
            known.isEmpty ? "It has no topics yet." : "It has: \(known.prefix(20).joined(separator: ", "))\(known.count > 20 ? ", …" : "")."
        throw MillraceError(.transport, "There is no topic \(name) in \(log.path). \(list)")
    }
}
