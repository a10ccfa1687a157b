import Foundation
import Testing

@Suite struct DocumentTests {
    @Test func eachDocumentHasOneTitle() throws {
        for document in try SourceTree.documents() {
            let titles = prose(of: document).filter { $0.hasPrefix("# ") }
            #expect(titles.count == 1, "\(document.path) must have exactly one title")
            #expect(document.lines.first?.hasPrefix("# ") == true, "\(document.path) must begin with its title")
        }
    }

    @Test func linksLeadSomewhere() throws {
        let link = try Regex(#"\]\(([^)#]+)[^)]*\)"#)
        for document in try SourceTree.documents() {
            let folder = document.path.split(separator: "/").dropLast().joined(separator: "/")
            for line in prose(of: document) {
                for match in line.matches(of: link) {
                    guard let target = match[1].substring, !target.contains("://"), !target.hasPrefix("mailto:") else { continue }
                    let path = SourceTree.root + "/" + (folder.isEmpty ? "" : folder + "/") + target
                    #expect(FileManager.default.fileExists(atPath: path), "\(document.path) links to \(target), which is not there")
                }
            }
        }
    }

    @Test func decisionsAreNumberedAndListed() throws {
        let decisions = try SourceTree.files(in: ["docs/decisions"], endingIn: [".md"])
        let index = try SourceTree.file("docs/README.md").text
        let numbers = decisions.compactMap { Int($0.name.prefix(4)) }
        #expect(
            numbers.count == decisions.count && Set(numbers).count == numbers.count,
            "decisions are numbered 0001, 0002, … in their file names, each with a number of its own")
        for document in try SourceTree.files(in: ["docs"], endingIn: [".md"]) where document.path != "docs/README.md" {
            #expect(index.contains("(\(document.path.dropFirst("docs/".count)))"), "docs/README.md does not list \(document.path)")
        }
    }

    /// The program in the README is one that CI builds and runs.
    @Test func theProgramOfTheReadmeIsTheOneThatIsBuilt() throws {
        let readme = try SourceTree.file("README.md").text
        let program = try SourceTree.file("Tests/Outside/Sources/WordCount/WordCount.swift").text
        #expect(
            readme.contains("```swift\n\(program)```"),
            "copy Tests/Outside/Sources/WordCount/WordCount.swift into README.md, or the other way round")
        let manifest = try SourceTree.file("Tests/Outside/Package.swift").text
            .split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("//") || $0.contains("swift-tools-version") }
            .joined(separator: "\n").replacing(#"path: "../..""#, with: #"path: "../millrace""#)
        #expect(readme.contains("```swift\n\(manifest)```"), "copy Tests/Outside/Package.swift into README.md, or the other way round")
    }

    @Test func continuousIntegrationCallsTheCommandOfTheReadme() throws {
        let readme = try SourceTree.file("README.md").text
        #expect(readme.contains("```sh\nmake demo") && readme.contains("\nmake test"))
        #expect(try SourceTree.file(".ci/run").text.contains("\nstep make test\n"))
    }

    /// The lines outside of code blocks.
    private func prose(of document: SourceTree.File) -> [Substring] {
        var isCode = false
        return document.lines.filter { line in
            if line.hasPrefix("```") {
                isCode.toggle()
                return false
            }
            return !isCode
        }
    }
}
