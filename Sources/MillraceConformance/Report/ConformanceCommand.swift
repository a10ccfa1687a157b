import MillraceCore

/// The command `millrace-conformance`.
public struct ConformanceCommand {
    private let write: (String) -> Void

    /// - Parameter write: Takes the lines of the report.
    public init(write: @escaping (String) -> Void) {
        self.write = write
    }

    static let usage = """
        usage: millrace-conformance [--only outputs|stores|internals] [--quiet] FILE...
               millrace-conformance --case NAME FILE...

        Runs the cases of the files and compares the results with those of Kafka Streams.
        With --case, shows one case: its program and inputs, and the first difference.
        """

    /// Runs the command.
    ///
    /// - Returns: The exit code: 0 when all cases passed, 1 when one failed, 2 when the arguments make no sense.
    public func run(_ arguments: [String]) -> Int32 {
        var files: [String] = []
        var name: String?
        var scope = Scope.all
        var isQuiet = false
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--case":
                name = rest.popFirst()
            case "--only":
                guard let part = ["outputs": Scope.outputs, "stores": .stores, "internals": .internals][rest.popFirst() ?? ""] else {
                    write(Self.usage)
                    return 2
                }
                scope = part
            case "--quiet": isQuiet = true
            case "--help", "-h":
                write(Self.usage)
                return 0
            default: files.append(argument)
            }
        }
        guard !files.isEmpty else {
            write(Self.usage)
            return 2
        }
        do {
            if let name { return try show(name, files, scope) }
            return try runAll(files, scope, isQuiet: isQuiet)
        } catch {
            write("\(error)")
            return 2
        }
    }

    private func show(_ name: String, _ files: [String], _ scope: Scope) throws -> Int32 {
        for file in files {
            for line in try CaseFile(file).lines {
                let one = try CaseFile.decode(line)
                guard one.name == name else { continue }
                write(one.report(scope))
                return one.verdict(scope).reason == nil ? 0 : 1
            }
        }
        write("There is no case \(name) in \(files.joined(separator: ", ")).")
        return 2
    }

    private func runAll(_ files: [String], _ scope: Scope, isQuiet: Bool) throws -> Int32 {
        var (passed, failed, softFailed, soft) = (0, 0, 0, 0)
        for file in files {
            var (filePassed, fileFailed) = (0, 0)
            for verdict in try CaseFile(file).verdicts(scope) {
                if verdict.isSoft { soft += 1 }
                if let reason = verdict.reason {
                    fileFailed += 1
                    if verdict.isSoft { softFailed += 1 }
                    if !isQuiet { write("\(verdict.name)\(verdict.isSoft ? " (depends on stores)" : ""): \(reason)") }
                } else {
                    filePassed += 1
                }
            }
            if files.count > 1 { write("\(file): \(filePassed) passed, \(fileFailed) failed") }
            passed += filePassed
            failed += fileFailed
        }
        if soft > 0 { write("of these depend on stores: \(soft - softFailed) passed, \(softFailed) failed") }
        write("\(passed) passed, \(failed) failed")
        return failed == 0 ? 0 : 1
    }
}
