/// A command with sub-commands, such as `millrace topics list`: it finds the table of the one that is meant, and writes the help of those above it.
///
///     let tree = CommandTree(name: "millrace", summary: "…", branches: [
///         .command("version", CommandLineTable(name: "millrace version", summary: "Says the version.", options: [])) { _ in print("1.0") }])
///     try tree.run(CommandLine.arguments.dropFirst())
public struct CommandTree: Sendable {
    /// What a word after the command leads to.
    public enum Branch: Sendable {
        /// A command that does something.
        case command(String, CommandLineTable, @Sendable (ParsedArguments) throws -> Void)
        /// More sub-commands.
        case tree(String, CommandTree)

        var word: String {
            switch self {
            case .command(let word, _, _), .tree(let word, _): word
            }
        }

        var summary: String {
            switch self {
            case .command(_, let table, _): table.summary
            case .tree(_, let tree): tree.summary
            }
        }
    }

    public var name: String
    public var summary: String
    public var branches: [Branch]
    /// Examples and remarks below the list.
    public var footer: String

    public init(name: String, summary: String, branches: [Branch], footer: String = "") {
        self.name = name
        self.summary = summary
        self.branches = branches
        self.footer = footer
    }

    /// The help: a line for each branch.
    public var help: String {
        let width = branches.map(\.word.count).max() ?? 0
        var text = "Usage: \(name) COMMAND\n\n\(summary)\n\n"
        for branch in branches {
            let firstSentence = branch.summary.split(separator: "\n").first.map(String.init) ?? ""
            text += "  \(branch.word)\(String(repeating: " ", count: width - branch.word.count))  \(firstSentence)\n"
        }
        text += "\n\(name) COMMAND --help explains one of them.\n"
        return footer.isEmpty ? text : text + "\n\(footer)\n"
    }

    /// Runs what the arguments ask for, the program's name not among them; `--help` and `help` print the help.
    ///
    /// - Throws: `CommandLineError` when they make no sense, and what the command throws.
    public func run(_ arguments: some Collection<String>) throws {
        guard let word = arguments.first else { throw CommandLineError("\(name) needs a command:\n\n\(help)") }
        if ["help", "--help", "-h"].contains(word) {
            print(help, terminator: "")
            return
        }
        guard let branch = branches.first(where: { $0.word == word }) else {
            let known = branches.map(\.word).joined(separator: ", ")
            throw CommandLineError("\(name) has no command \"\(word)\". It has: \(known). See \(name) --help.")
        }
        switch branch {
        case .tree(_, let tree): try tree.run(arguments.dropFirst())
        case .command(_, let table, let run):
            let parsed = try table.parse(arguments.dropFirst())
            if parsed.has("help") { print(table.help, terminator: "") } else { try run(parsed) }
        }
    }
}
