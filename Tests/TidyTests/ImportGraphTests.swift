import Testing

/// Which target may know which, as drawn in the table of ARCHITECTURE.md, compared with the imports in the code.
@Suite struct ImportGraphTests {
    /// What a row of the table says.
    private enum Allowance: Equatable {
        case these(Set<String>)
        /// A program: it may know all libraries, and nothing may know it.
        case everything
    }

    @Test func importsAreThoseDrawn() throws {
        let drawn = try drawnGraph()
        let modules = Set(
            try SourceTree.files(in: ["Sources"], endingIn: [".swift", ".h", ".c", ".cpp", ".modulemap"]).compactMap(\.target))
        for (target, imports) in try importsByTarget() {
            let known = imports.intersection(modules).subtracting([target])
            switch drawn[target] {
            case nil: Issue.record("\(target) has no row in the table of ARCHITECTURE.md")
            case .everything: break
            case .these(let allowed):
                #expect(known.subtracting(allowed) == [], "\(target) imports what ARCHITECTURE.md does not allow it to know")
                #expect(
                    allowed.subtracting(known) == [],
                    "ARCHITECTURE.md lets \(target) know what it does not import: take that out of its row")
            }
        }
        for (target, allowance) in drawn {
            #expect(modules.contains(target), "ARCHITECTURE.md has a row for \(target), which is not in Sources")
            guard case .these(let allowed) = allowance else { continue }
            for name in allowed where drawn[name] == .everything { Issue.record("\(target) may not know the program \(name)") }
        }
    }

    @Test func dependenciesPointOneWay() throws {
        let drawn = try drawnGraph()
        func reaches(_ target: String, _ goal: String, _ seen: Set<String> = []) -> Bool {
            guard case .these(let next)? = drawn[target], !seen.contains(target) else { return false }
            return next.contains(goal) || next.contains { reaches($0, goal, seen.union([target])) }
        }
        for target in drawn.keys { #expect(!reaches(target, target), "\(target) knows itself by way of others") }
    }

    /// Rows such as: | `MillraceLog` | MillraceCore, MillraceFormats | the embedded log |
    private func drawnGraph() throws -> [String: Allowance] {
        var graph: [String: Allowance] = [:]
        for line in try SourceTree.file("ARCHITECTURE.md").lines where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
            guard cells.count >= 3, cells[0].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" }) else { continue }
            switch cells[1] {
            case "alllibraries": graph[cells[0]] = .everything
            case "nothing": graph[cells[0]] = .these([])
            default: graph[cells[0]] = .these(Set(cells[1].split(separator: ",").map(String.init)))
            }
        }
        #expect(graph.count > 8, "the table of targets in ARCHITECTURE.md could not be read")
        return graph
    }

    private func importsByTarget() throws -> [String: Set<String>] {
        let pattern = try Regex(
            #"^\s*(?:@\w+ )*(?:public |package |internal |private |fileprivate )?import (?:struct |class |enum |func |protocol )?(\w+)"#)
        var imports: [String: Set<String>] = [:]
        for (file, _) in try SourceTree.swiftFiles.get() {
            guard let target = file.target else { continue }
            var names: Set<String> = []
            for line in file.lines {
                if let match = line.prefixMatch(of: pattern), let name = match[1].substring { names.insert(String(name)) }
            }
            imports[target, default: []].formUnion(names)
        }
        return imports
    }
}
