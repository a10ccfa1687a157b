import Foundation
import Testing

/// Word count as a user meets it: the real program, killed for real.
@Suite(.serialized) struct WordCountExampleTests {
    private let program = ExampleProcess(name: "WordCount")
    private let directory = TestDirectory()

    /// Text whose words are counted here by other means.
    private static let text = (0..<6_000).map { number in
        "Ref\(number)\tThe \(number % 7 == 0 ? "Lord" : "man") said unto him, word\(number % 13 == 0 ? "s" : "") and more; it's \(number)."
    }.joined(separator: "\n")

    private static let expected: String = {
        var counts: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: "\t")[1].lowercased().split { !("a"..."z").contains($0) }
            for word in words { counts[String(word), default: 0] += 1 }
        }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value)\n" }.joined()
    }()

    @Test func countsAFile() throws {
        try directory.write(Self.text, to: "text")
        let outcome = try program.run([
            "--input", directory.path("text"), "--data", directory.path("data"), "--output", directory.path("counts"),
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try directory.read("counts") == Self.expected)
        #expect(outcome.output.contains("the  6000") || outcome.output.contains("the 6000") || outcome.output.contains("6000 █"))
    }

    @Test(arguments: [(1, 1), (4, 2)]) func survivesKills(partitions: Int, threads: Int) throws {
        try directory.write(Self.text, to: "text")
        let arguments = [
            "--input", directory.path("text"), "--output", directory.path("counts"), "--top", "0", "--partitions", "\(partitions)",
            "--threads",
            "\(threads)",
        ]
        _ = try program.runKilled(arguments, data: directory.path("data"), kills: 6, seed: UInt64(partitions))
        #expect(try directory.read("counts") == Self.expected)
    }

    @Test func readsOnlyWhatIsNewOfAFileThatGrew() throws {
        try directory.write("one two\n", to: "text")
        let arguments = [
            "--input", directory.path("text"), "--data", directory.path("data"), "--output", directory.path("counts"), "--top", "0",
        ]
        _ = try program.run(arguments)
        try directory.write("one two\nthree one\n", to: "text")
        _ = try program.run(arguments)
        #expect(try directory.read("counts") == "one\t2\nthree\t1\ntwo\t1\n")
    }

    @Test func takesStandardInput() throws {
        try directory.write("b a\na\n", to: "text")
        let outcome = try program.run(
            ["--input", "-", "--data", directory.path("data"), "--output", directory.path("counts")],
            input: URL(fileURLWithPath: directory.path("text")))
        #expect(outcome.status == 0)
        #expect(try directory.read("counts") == "a\t2\nb\t1\n")
    }

    /// What is piped in after an earlier text was read to its end is another text, however much the two look alike.
    @Test func countsEachStandardInput() throws {
        let arguments = ["--input", "-", "--data", directory.path("data"), "--output", directory.path("counts"), "--top", "0"]
        for text in ["a b\n", "c d e f\n", "a b\n"] {
            try directory.write(text, to: "text")
            #expect(try program.run(arguments, input: URL(fileURLWithPath: directory.path("text"))).status == 0)
        }
        #expect(try directory.read("counts") == "a\t2\nb\t2\nc\t1\nd\t1\ne\t1\nf\t1\n")
    }

    @Test func refusesAFileThatIsNotTheOneItKnows() throws {
        let arguments = [
            "--input", directory.path("text"), "--data", directory.path("data"), "--output", directory.path("counts"), "--top", "0",
        ]
        try directory.write("one\ntwo\nthree four\n", to: "text")
        _ = try program.run(arguments)
        for other in ["something else, and longer than the first text\n", "one\n"] {
            try directory.write(other, to: "text")
            let outcome = try program.run(arguments)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("is not what was read before"), "\(outcome.errors)")
        }
        #expect(try directory.read("counts") == "four\t1\none\t1\nthree\t1\ntwo\t1\n")
    }

    @Test func takesThePartitionsThatAreThere() throws {
        try directory.write("a\nb\n", to: "text")
        let arguments = ["--input", directory.path("text"), "--data", directory.path("data"), "--top", "0"]
        #expect(try program.run(arguments + ["--partitions", "3"]).status == 0)
        #expect(try program.run(arguments).status == 0)
        let outcome = try program.run(arguments + ["--partitions", "2"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("with 3 partitions, not 2"), "\(outcome.errors)")
    }

    @Test func putsLinesThatAreNotTextAside() throws {
        try Data("good\n\u{1}".utf8 + [0xFF, 0xFE, 10] + Array("end\n".utf8)).write(to: URL(fileURLWithPath: directory.path("text")))
        let outcome = try program.run([
            "--input", directory.path("text"), "--data", directory.path("data"), "--output", directory.path("counts"),
        ])
        #expect(outcome.status == 0)
        #expect(try directory.read("counts") == "end\t1\ngood\t1\n")
        #expect(outcome.errors.contains("1 records were left out"))
    }

    @Test func takesAVeryLongLine() throws {
        try directory.write(String(repeating: "long ", count: 100_000) + "\nend\n", to: "text")
        let outcome = try program.run([
            "--input", directory.path("text"), "--data", directory.path("data"), "--output", directory.path("counts"),
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try directory.read("counts") == "end\t1\nlong\t100000\n")
    }

    @Test(arguments: [
        (["--bogus"], "does not know --bogus"), (["--partitions", "none"], "whole number"), (["book.txt"], "takes no argument"),
        (["--input", "/nowhere/book.txt"], "cannot be opened"), (["--input", "/"], "is a directory"), (["--input", ""], "is empty"),
    ])
    func saysWhatIsWrong(arguments: [String], message: String) throws {
        let outcome = try program.run(arguments + ["--data", directory.path("data")])
        #expect(outcome.status != 0)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }

    @Test func refusesADirectoryInUse() throws {
        try directory.write("one\n", to: "text")
        let first = try program.start(["--input", directory.path("text"), "--follow", "--data", directory.path("data")])
        defer {
            first.terminate()
            first.waitUntilExit()
        }
        let deadline = Date(timeIntervalSinceNow: 10)
        while !FileManager.default.fileExists(atPath: directory.path("data/state")), Date() < deadline {
            Thread.sleep(forTimeInterval: 0.02)
        }
        let outcome = try program.run(["--data", directory.path("data")])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("in use by another process"), "\(outcome.errors)")
    }

    @Test func refusesADirectoryOfSomethingElse() throws {
        try FileManager.default.createDirectory(atPath: directory.path("data/log"), withIntermediateDirectories: true)
        try directory.write("something", to: "data/log/else")
        let outcome = try program.run(["--data", directory.path("data")])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("is not the directory of a Millrace log"), "\(outcome.errors)")
    }

    @Test func describesItself() throws {
        #expect(try program.run(["--describe"]).output.contains("Sub-topology: 1"))
        #expect(try program.run(["--dot"]).output.contains("digraph"))
        #expect(try program.run(["--help"]).output.contains("--partitions N"))
    }
}
