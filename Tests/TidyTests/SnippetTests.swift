import Testing

@Suite struct SnippetTests {
    /// What is shown as Swift in a document is part of a program that is compiled and run, line by line, whatever its indentation.
    @Test func codeInDocumentsIsCompiled() throws {
        let compiled = try SourceTree.files(in: ["Tests/SnippetTests", "Tests/Outside"], endingIn: [".swift"]).map { lines(of: $0.text) }
        // DocumentTests compares the manifest of the README with its original, whose comments it leaves out.
        let documents =
            try [SourceTree.file("README.md")] + SourceTree.files(in: ["docs", "Sources/Millrace/Millrace.docc"], endingIn: [".md"])
        var count = 0
        for document in documents {
            for block in blocks(of: document) where !block.contains("\n// swift-tools-version") {
                count += 1
                let isCompiled = compiled.contains { $0.contains(block) }
                #expect(
                    isCompiled,
                    "\(document.path) shows code that is in no file of Tests/SnippetTests: put it there, or say ```text instead of ```swift\n\(block)"
                )
            }
        }
        #expect(count > 20, "the blocks of code could not be found")
    }

    private func blocks(of document: SourceTree.File) -> [String] {
        document.text.split(separator: "\n```swift\n").dropFirst().compactMap { rest in
            rest.split(separator: "\n```", maxSplits: 1).first.map { lines(of: String($0)) }
        }
    }

    /// The lines without indentation, none of them blank, with a line break before and behind each.
    private func lines(of text: String) -> String {
        let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
        return "\n" + lines.filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
    }
}
