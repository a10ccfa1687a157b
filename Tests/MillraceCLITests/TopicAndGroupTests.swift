import Foundation
import MillraceCore
import MillraceLog
import Testing

/// Topics and groups, from the first to the last command.
@Suite struct TopicAndGroupTests {
    private let user = CommandLineUser()

    @Test func theLifeOfATopic() throws {
        #expect(try user.run("topics", "create", "words", "--partitions", "2", "--set", "retention.ms=5000").status == 0)
        #expect(try user.run("topics", "create", "prices", "--set", "cleanup.policy=compact").status == 0)
        #expect(try user.run("produce", "words", "--partition", "1", input: "a\nb\n").status == 0)
        #expect(
            try user.run("topics", "list").rows == [
                ["TOPIC", "PARTITIONS", "OFFSETS", "CLEANUP"], ["prices", "1", "0", "compact"], ["words", "2", "2", "delete"],
            ])
        let described = try user.run("topics", "describe", "words")
        #expect(described.output.contains("retention.ms = 5000"))
        #expect(described.rows.suffix(2) == [["0", "0", "0", "0"], ["1", "0", "2", "2"]])
        #expect(try user.run("topics", "alter", "words", "--set", "segment.ms=7", "--unset", "retention.ms").status == 0)
        #expect(try user.run("topics", "add-partitions", "words", "--to", "3").status == 0)
        let json = try user.run("topics", "describe", "words", "--json").output
        #expect(json.contains(#""settings":{"segment.ms":"7"}"#))
        #expect(json.contains(#""partitions":[{"partition":0,"start":0,"end":0},{"partition":1,"start":0,"end":2},{"partition":2,"#))
        #expect(try user.run("topics", "list", "--json").output.contains(#""topic":"prices","id":""#))
        #expect(try user.run("topics", "delete", "words", "slip").status == 1)
        #expect(try user.run("topics", "delete", "words").output == "Deleted words.\n")
        #expect(try user.run("topics", "list").rows.count == 2)
    }

    @Test func aBrokersTopicIsAdopted() throws {
        let broker = CommandLineUser()
        #expect(try broker.run("topics", "create", "orders", "--partitions", "2").status == 0)
        #expect(try broker.run("produce", "orders", "--partition", "1", "--key", "k", input: "one\ntwo\n").status == 0)
        let adopted = try user.run("topics", "adopt", "orders", "--from", broker.data, "--set", "retention.ms=-1")
        #expect(adopted.output == "Copied orders with 2 partitions.\n", "\(adopted.errors)")
        #expect(try user.run("consume", "orders").output == "k\tone\nk\ttwo\n")
        #expect(try user.run("topics", "adopt", "orders", "--from", broker.data).errors.contains("exists already"))
    }

    @Test func groupsAreListedDescribedAndMoved() throws {
        #expect(try user.run("topics", "create", "t", "--partitions", "2").status == 0)
        for partition in ["0", "1"] {
            #expect(try user.run("produce", "t", "--partition", partition, "--timestamp", "1000", input: "a\nb\n").status == 0)
            #expect(try user.run("produce", "t", "--partition", partition, "--timestamp", "2000", input: "c\n").status == 0)
        }
        #expect(try user.run("groups", "list").output == "")
        #expect(try user.run("groups", "reset", "g", "--to", "1", "--topic", "t").status == 0)
        #expect(try user.run("groups", "list").output == "g\n")
        #expect(try user.run("groups", "list", "--json").output == "[\"g\"]\n")
        #expect(try user.run("groups", "describe", "g").rows.dropFirst() == [["t", "0", "1", "3", "2"], ["t", "1", "1", "3", "2"]])
        let planned = try user.run("groups", "reset", "g", "--to", "@1500", "--partition", "1", "--dry-run")
        #expect(planned.rows.dropFirst() == [["t", "1", "1", "2"]])
        #expect(try user.run("groups", "describe", "g").rows.dropFirst() == [["t", "0", "1", "3", "2"], ["t", "1", "1", "3", "2"]])
        #expect(
            try user.run("groups", "reset", "g", "--to", "latest", "--partition", "1", "--json").output
                == #"[{"topic":"t","partition":1,"from":1,"to":3}]"# + "\n")
        #expect(try user.run("groups", "describe", "g").rows.last == ["t", "1", "3", "3", "0"])
        #expect(try user.run("groups", "describe", "h").errors.contains("There are: g."))
    }

    /// A wrong directory is said to be wrong, and not made.
    @Test(arguments: [
        ["topics", "list"], ["produce", "t"], ["consume", "t"], ["groups", "reset", "g", "--to", "latest"], ["topics", "delete", "t"],
        ["topics", "alter", "t", "--set", "a=b"], ["topics", "add-partitions", "t", "--to", "2"], ["log", "verify"],
    ])
    func aDirectoryWithoutALogIsNotMade(_ arguments: [String]) throws {
        let answer = try user.run(arguments)
        #expect(answer.status == 1)
        #expect(answer.errors.contains("There is no log in \(user.data)") && answer.errors.contains("--data"))
        #expect(!FileManager.default.fileExists(atPath: user.data))
    }

    /// What a user may get wrong, and what the answer must tell.
    @Test(arguments: [
        (["topics", "create", "a b"], "only ASCII letters"), (["topics", "create", "t"], "exists already"),
        (["topics", "create", "u", "--set", "retention.mss=1"], "Known are: cleanup.policy"),
        (["topics", "create", "u", "--set", "retention.ms"], "NAME=VALUE"), (["topics", "alter", "t"], "--set NAME=VALUE"),
        (["topics", "alter", "t", "--unset", "retention.mss"], "Known are: cleanup.policy"),
        (["topics", "add-partitions", "t", "--to", "1"], "has 1 partitions"), (["topics", "describe", "u"], "It has: t."),
        (["topics", "adopt", "u", "--from", "/nonexistent"], "/nonexistent/u-0"), (["consume", "t", "--partition", "4"], "from 0 to 0"),
        (["consume", "t", "--max", "x"], "a whole number, 0 or more"), (["consume", "t", "--fields", "value,size"], "not \"size\""),
        (["consume", "t", "--value-format", "xml"], "one of text, json"), (["consume"], "Give one topic"),
        (["produce", "t", "--header", "x"], "NAME=VALUE"), (["produce", "t", "--compression", "rar"], "none, gzip"),
        (["groups", "reset", "g"], "--to PLACE"), (["log", "dump"], "which files"), (["log", "dump", "/nonexistent"], "No such file"),
    ])
    func aWrongLineIsAnswered(_ arguments: [String], _ hint: String) throws {
        #expect(try user.run("topics", "create", "t").status == 0)
        let answer = try user.run(arguments)
        #expect(answer.status != 0)
        #expect(answer.errors.hasPrefix("millrace: ") && answer.errors.contains(hint), "\(answer.errors)")
        #expect(answer.errors.split(separator: "\n").count == 1)
    }

    @Test(arguments: [
        ["topics"], ["topics", "create"], ["topics", "list"], ["topics", "describe"], ["topics", "alter"], ["topics", "add-partitions"],
        ["topics", "adopt"], ["topics", "delete"], ["produce"], ["consume"], ["groups"], ["groups", "list"], ["groups", "describe"],
        ["groups", "reset"], ["log"], ["log", "dump"], ["log", "verify"], ["dead-letters", "replay"],
    ])
    func everyCommandHasHelpWithAnExample(_ command: [String]) throws {
        let help = try user.run(command + ["--help"])
        #expect(help.status == 0)
        #expect(help.output.hasPrefix("Usage: millrace \(command.joined(separator: " "))"))
        #expect(help.output.contains("Example") || help.output.contains("COMMAND --help"))
    }
}
