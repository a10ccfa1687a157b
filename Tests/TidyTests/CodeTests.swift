import Testing

@Suite struct CodeTests {
    /// A file is one idea. Half of them are below 120 lines; one of 600 is two.
    @Test func filesAreShort() throws {
        for (file, _) in try SourceTree.swiftFiles.get() {
            #expect(file.lines.count <= 600, "\(file.path) has \(file.lines.count) lines: make two files of it")
        }
    }

    @Test(arguments: Ban.all)
    func nothingBannedIsUsed(_ ban: Ban) throws {
        for (file, code) in try SourceTree.swiftFiles.get() where ban.covers(file.path) && file.path != "Tests/TidyTests/Ban.swift" {
            for line in try ban.lines(in: ban.includingComments ? file.text : code) {
                Issue.record("\(file.path):\(line): \(file.lines[line - 1].drop { $0 == " " }). Instead, \(ban.instead).")
            }
        }
    }

    @Test(arguments: Ban.all)
    func bansFindTheirExamples(_ ban: Ban) throws {
        #expect(try ban.lines(in: "let a = 1\n" + ban.example) == [2])
    }

    @Test func exceptionsOfBansExist() throws {
        for path in Ban.all.flatMap(\.except) {
            #expect(throws: Never.self, "a ban excepts a file that is gone") { try SourceTree.file(path) }
        }
    }

    @Test func codeIsToldFromCommentsAndText() {
        #expect(Ban.code(of: "    call(\"try!\") // as! said\nnext") == "    call(\"\") \nnext")
        #expect(Ban.code(of: #"let quoted = "a \" b""#) == #"let quoted = """#)
    }
}
