import Foundation
import MillraceCore
import MillraceFormats
import MillraceLog
import Testing

/// Records on their way in and out, and damage.
@Suite struct RecordTests {
    private let user = CommandLineUser()

    private func withLog(_ body: (EmbeddedLog) throws -> Void) throws {
        let log = try EmbeddedLog.open(at: user.data, options: EmbeddedLogOptions(durability: .system))
        try body(log)
        try log.close()
    }

    @Test(arguments: [
        ("text", "söß", "söß", #""söß""#), ("json", #"{"a":[1,null]}"#, #"{"a":[1,null]}"#, #"{"a":[1,null]}"#),
        ("hex", "00 fF10", "00ff10", #""00ff10""#), ("base64", "AP8Q", "AP8Q", #""AP8Q""#), ("int64", "-7", "-7", "-7"),
        ("int32", "12", "12", "12"),
        ("double", "0.5", "0.5", "0.5"),
    ])
    func everyFormatGoesInAndOut(_ format: String, _ typed: String, _ shown: String, _ json: String) throws {
        #expect(try user.run("topics", "create", "t").status == 0)
        let produced = try user.run("produce", "t", "--key", typed, "--key-format", format, "--value-format", format, input: typed + "\n")
        #expect(produced.errors == "1 record appended to t.\n")
        let formats = ["--key-format", format, "--value-format", format]
        #expect(try user.run(["consume", "t"] + formats).output == "\(shown)\t\(shown)\n")
        #expect(try user.run(["consume", "t", "--json"] + formats).output.contains("\"key\":\(json),\"value\":\(json)"))
        let wrong = try user.run("produce", "t", "--value-format", format, input: "\u{7}{")
        #expect(wrong.status == (format == "text" ? 0 : 1))
        #expect(format == "text" || wrong.errors.contains("Line 1"))
    }

    @Test func placesBoundWhatIsPrinted() throws {
        #expect(try user.run("topics", "create", "t", "--partitions", "2").status == 0)
        for number in 0..<6 {
            let input = "v\(number)\n"
            #expect(try user.run("produce", "t", "--partition", "0", "--timestamp", "\(1000 + number)", input: input).status == 0)
        }
        #expect(try user.run("produce", "t", "--partition", "1", "--compression", "zstd", input: "other\n").status == 0)
        func values(_ arguments: String...) throws -> String {
            try user.run(["consume", "t", "--fields", "value"] + arguments).output.replacingOccurrences(of: "\n", with: " ")
        }
        #expect(try values("--partition", "0", "--from", "2", "--until", "4") == "v2 v3 ")
        #expect(try values("--partition", "0", "--from", "@1004") == "v4 v5 ")
        #expect(try values("--partition", "0", "--from", "@1970-01-01T00:00:01.001Z", "--until", "@1003") == "v1 v2 ")
        #expect(try values("--partition", "0", "--max", "2") == "v0 v1 ")
        #expect(try values("--partition", "0", "--from", "99") == "")
        #expect(try values("--from", "latest") == "")
        #expect(try values("--partition", "1") == "other ")
    }

    /// What is committed while `--follow` runs is printed by it.
    @Test func followGoesOn() throws {
        try withLog { log in
            try log.createTopic(TopicSpecification("t", partitions: 1))
            let appender = try log.openAppender(to: "t", named: "a", group: "g")
            try appender.append(key: "k", value: "before", timestamp: 1)
            try appender.commit()
            let process = user.process(["consume", "t", "--from", "earliest", "--follow", "--max", "3"])
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            // It has begun when the first line is there.
            var output = pipe.fileHandleForReading.availableData
            for number in 1...2 {
                try appender.append(key: "k", value: "later \(number)", timestamp: 2)
                try appender.commit()
            }
            output += pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(String(decoding: output, as: UTF8.self) == "k\tbefore\nk\tlater 1\nk\tlater 2\n")
        }
    }

    @Test func segmentsAreDumped() throws {
        #expect(try user.run("topics", "create", "t").status == 0)
        #expect(
            try user.run(
                "produce", "t", "--key", "k", "--header", "h=1", "--timestamp", "1000", "--compression", "lz4", input: "one\ntwo\n"
            )
            .status == 0)
        let path = user.data + "/t-0/00000000000000000000.log"
        let text = try user.run("log", "dump", "--records", path).output
        #expect(text.contains("byte 0: offsets 0...1, 2 records") && text.contains("lz4"))
        #expect(text.contains("0  1970-01-01T00:00:01.000Z  k = one  headers h"))
        let json = try user.run("log", "dump", "--records", "--json", path).output.split(separator: "\n")
        #expect(json.count == 3 && json[0].contains(#""baseOffset":0,"lastOffset":1"#) && json[2].contains(#""value":"two""#))
    }

    /// Damage is named with a remedy that helps.
    @Test func aDamagedJournalSaysWhatCanBeDone() throws {
        #expect(try user.run("topics", "create", "t").status == 0)
        for value in ["one\n", "two\n", "three\n"] { #expect(try user.run("produce", "t", input: value).status == 0) }
        let path = user.data + "/millrace.journal"
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))

        // At the start nothing can be saved, and no remedy is promised.
        var damaged = whole
        damaged[0] ^= 1
        try damaged.write(to: URL(fileURLWithPath: path))
        for command in [["topics", "list"], ["produce", "t"]] {
            let answer = try user.run(command)
            #expect(answer.status == 1)
            #expect(answer.errors.contains("first entry") && answer.errors.contains("backup") && !answer.errors.contains("truncate"))
        }

        // At the end the command in the message brings back what was before.
        damaged = whole
        damaged[whole.count - 1] ^= 1
        try damaged.write(to: URL(fileURLWithPath: path))
        let answer = try user.run("produce", "t", input: "four\n")
        #expect(answer.status == 1)
        let remedy = try #require(answer.errors.firstRange(of: "truncate "))
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", String(answer.errors[remedy.lowerBound...])]
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0)
        #expect(try user.run("produce", "t", input: "again\n").status == 0)
        let values = try user.run("consume", "t", "--fields", "value").output
        #expect(values.hasPrefix("one\n") && values.hasSuffix("again\n"))
    }

    @Test func anotherFormatIsNamedInOneLine() throws {
        #expect(try user.run("topics", "create", "t").status == 0)
        try "millrace log 99\n".write(toFile: user.data + "/millrace.format", atomically: true, encoding: .utf8)
        let answer = try user.run("topics", "list")
        #expect(
            answer.status == 1 && answer.errors.contains("\"millrace log 99\" where this version of Millrace writes \"millrace log 1\""))
        #expect(answer.errors.split(separator: "\n").count == 1)
    }
}
