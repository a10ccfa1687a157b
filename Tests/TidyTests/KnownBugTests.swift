import Testing

/// docs/known-bugs.md names tests: they are there.
@Suite struct KnownBugTests {
    private static let document = Result { try SourceTree.file("docs/known-bugs.md").text }

    @Test func theTestsAreThere() throws {
        let tests = try SourceTree.files(in: ["Tests"], endingIn: [".swift"])
        let names = try Self.document.get().matches(of: /`(\w+Tests)\.(\w+)`/)
        #expect(names.count > 80)
        for name in names {
            let isThere = tests.contains { file in
                file.text.contains("struct \(name.1) ") && file.text.contains("func \(name.2)(")
            }
            #expect(isThere, "docs/known-bugs.md names \(name.1).\(name.2), which is not there")
        }
    }

    @Test func theCasesAreThere() throws {
        let cases = try SourceTree.files(in: ["Tests/MillraceConformanceTests/Cases"], endingIn: [".jsonl"])
        for name in try Self.document.get().matches(of: /`case ([\w-]+)`/) {
            #expect(
                cases.contains { $0.text.contains("\"name\":\"\(name.1)\"") }, "docs/known-bugs.md names case \(name.1), which is not there"
            )
        }
    }

    /// A row for each number, in one table only.
    @Test func eachBugStandsInOneRow() throws {
        var seen: Set<Substring> = []
        for line in try Self.document.get().split(separator: "\n") where line.hasPrefix("| ") {
            guard let numbers = line.split(separator: "|").first else { continue }
            for number in numbers.matches(of: /\d+/) { #expect(seen.insert(number.0).inserted, "\(number.0) stands in two rows") }
        }
        #expect(seen.count >= 95)
    }
}
