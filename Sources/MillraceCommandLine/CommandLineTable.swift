import CGetopt

/// What a command takes: one table that parses arguments and writes the help.
///
///     let table = CommandLineTable(
///         name: "WordCount", summary: "Counts the words of a text.",
///         options: [.init("input", value: "FILE", "Read this file instead of the book; - for standard input."), .init("follow", "Wait for more.")])
///     let arguments = try table.parse(CommandLine.arguments.dropFirst())
public struct CommandLineTable: Sendable {
    /// One option.
    public struct Option: Sendable {
        public var name: String
        /// What its value is called in the help; `nil` for a flag.
        public var value: String?
        public var help: String

        public init(_ name: String, value: String? = nil, _ help: String) {
            self.name = name
            self.value = value
            self.help = help
        }
    }

    public var name: String
    public var summary: String
    public var options: [Option]
    /// What arguments that are not options are called, such as `TOPIC`; empty where there are none.
    public var operands: String
    /// Examples and remarks below the options.
    public var footer: String

    public init(name: String, summary: String, operands: String = "", options: [Option], footer: String = "") {
        self.name = name
        self.summary = summary
        self.operands = operands
        self.options = options + [Option("help", "Show this help.")]
        self.footer = footer
    }

    /// The help: a usage line, the summary, a line for each option.
    public var help: String {
        let lines = options.map { option in ("--\(option.name)" + (option.value.map { " \($0)" } ?? ""), option.help) }
        let width = lines.map(\.0.count).max() ?? 0
        var text = "Usage: \(name) [OPTION ...]\(operands.isEmpty ? "" : " " + operands)\n\n\(summary)\n\n"
        for (option, help) in lines {
            text += "  \(option)\(String(repeating: " ", count: width - option.count))  \(help)\n"
        }
        if !footer.isEmpty { text += "\n\(footer)\n" }
        return text
    }

    /// Reads arguments, the program's name not among them. Options and operands may be mixed; `--` ends the options.
    ///
    /// - Throws: `CommandLineError` for an unknown option, a missing value, or operands where there may be none.
    public func parse(_ arguments: some Sequence<String>) throws -> ParsedArguments {
        var parsed = ParsedArguments(operands: [])
        let arguments = arguments.map { $0 == "-h" ? "--help" : $0 }
        var argv: [UnsafeMutablePointer<CChar>?] = ([name] + arguments).map { copy($0) }
        let names = options.map { copy($0.name) }
        defer { for pointer in argv + names { pointer?.deallocate() } }
        let table = zip(options, names).map { getopt_option(name: $1, takes_value: $0.value == nil ? 0 : 1) }
        argv.append(nil)
        let count = Int32(argv.count - 1)
        var next: Int32 = 1
        while true {
            let found = getopt_next(count, argv, table, Int32(table.count), next)
            next = found.next
            let text = found.value.map { String(cString: $0) } ?? ""
            switch found.option {
            case -1:
                parsed.operands = argv[Int(next)..<Int(count)].compactMap { $0.map { String(cString: $0) } }
                if operands.isEmpty, let extra = parsed.operands.first, parsed.values["help"] == nil {
                    throw CommandLineError("\(name) takes no argument \"\(extra)\". Options begin with two dashes: see --help.")
                }
                return parsed
            case -2: throw CommandLineError("\(name) does not know \(text). See --help for what it takes.")
            case -3: throw CommandLineError("\(text) needs a value. See --help.")
            default: parsed.values[options[Int(found.option)].name, default: []].append(text)
            }
        }
    }

    private func copy(_ text: String) -> UnsafeMutablePointer<CChar>? {
        let bytes = text.utf8CString
        let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { pointer[index] = byte }
        return pointer
    }
}

/// What was on a command line.
public struct ParsedArguments: Sendable {
    var values: [String: [String]] = [:]
    /// The arguments that are not options.
    public var operands: [String]

    /// Whether a flag, or an option, was given.
    public func has(_ name: String) -> Bool { values[name] != nil }

    /// The value of an option, the last one if it was given several times.
    public subscript(_ name: String) -> String? { values[name]?.last }

    /// All values of an option that may be given several times.
    public func all(_ name: String) -> [String] { values[name] ?? [] }

    /// The value of an option as a whole number.
    ///
    /// - Throws: `CommandLineError` when it is none, or not in `range`.
    public func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let limits = range.upperBound == .max ? ", \(range.lowerBound) or more" : " from \(range.lowerBound) to \(range.upperBound)"
            throw CommandLineError("--\(name) takes a whole number\(limits), not \"\(text)\".")
        }
        return number
    }
}

/// A command line that makes no sense; the message says why and what to do.
public struct CommandLineError: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
