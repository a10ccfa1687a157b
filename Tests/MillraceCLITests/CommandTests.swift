import Foundation
import MillraceCore
import MillraceLog
import Testing

/// The command as people run it: a process beside the one that has the log.
@Suite struct CommandTests {
    let data = NSTemporaryDirectory() + "millrace-cli-\(UUID().uuidString)"

    private func millrace(_ arguments: String..., input: String = "") throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = CommandTests.products.appendingPathComponent("millrace")
        process.arguments = arguments
        process.environment = ["MILLRACE_DATA": data]
        let pipes = (Pipe(), Pipe(), Pipe())
        process.standardInput = pipes.0
        process.standardOutput = pipes.1
        process.standardError = pipes.2
        try process.run()
        try pipes.0.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try pipes.0.fileHandleForWriting.close()
        let output = String(decoding: pipes.1.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errors = String(decoding: pipes.2.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output, errors)
    }

    /// Where the build puts programs and this test.
    private static var products: URL {
        URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    }

    private func withLog(_ body: (EmbeddedLog) throws -> Void) throws {
        let log = try EmbeddedLog.open(at: data, options: EmbeddedLogOptions(durability: .system))
        try body(log)
        try log.close()
    }

    @Test func whatIsProducedIsConsumed() throws {
        defer { try? FileManager.default.removeItem(atPath: data) }
        #expect(try millrace("topics", "create", "stock", "--partitions", "1").status == 0)
        let produced = try millrace(
            "produce", "stock", "--key-separator", ":", "--value-format", "int64", "--null", "gone", "--header", "a=b", "--timestamp",
            "1000",
            input: "apple:3\npear:-5\napple:gone\n")
        #expect(produced.status == 0, "\(produced.errors)")
        let fields = try millrace("consume", "stock", "--value-format", "int64", "--fields", "offset,timestamp,key,value,headers")
        #expect(
            fields.output == """
                0\t1970-01-01T00:00:01.000Z\tapple\t3\ta=b
                1\t1970-01-01T00:00:01.000Z\tpear\t-5\ta=b
                2\t1970-01-01T00:00:01.000Z\tapple\tnull\ta=b

                """)
        let json = try millrace("consume", "stock", "--value-format", "int64", "--from", "1", "--until", "2", "--json")
        #expect(
            json.output == #"{"partition":0,"offset":1,"timestamp":1000,"key":"pear","value":-5,"headers":[["a","b"]]}"# + "\n")
        #expect(try millrace("consume", "stock", "--max", "1", "--value-format", "hex").output == "apple\t0000000000000003\n")
        #expect(try millrace("consume", "stock", "--from", "@1001").output == "")
        #expect(try millrace("consume", "stock", "--from", "@1970-01-01T00:00:01Z", "--fields", "offset").output == "0\n1\n2\n")
        #expect(try millrace("log", "verify", "--json").output.contains(#""records":3"#))
    }

    @Test func readingGoesOnBesideAWriterAndWritingNamesIt() throws {
        defer { try? FileManager.default.removeItem(atPath: data) }
        try withLog { log in
            try log.createTopic(TopicSpecification("t", partitions: 1, settings: ["segment.bytes": "300"]))
            let appender = try log.openAppender(to: "t", named: "a", group: "g")
            for number in 0..<20 {
                try appender.append(key: nil, value: "value \(number)", timestamp: 5)
                try appender.commit(offsets: [TopicPartition("t", 0): CommittedOffset(Offset(Int64(number)))])
                if number % 7 == 0 {
                    let lines = try millrace("consume", "t", "--fields", "value").output.split(separator: "\n")
                    #expect(lines.count == number + 1)
                    #expect(lines.last == "value \(number)")
                }
            }
            #expect(
                try millrace("groups", "describe", "g").output.split(separator: "\n").last?.split(separator: " ") == [
                    "t", "0", "19", "20", "1",
                ])
            let refused = try millrace("topics", "create", "u")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("in use by another process (process \(ProcessInfo.processInfo.processIdentifier))"))
        }
        #expect(try millrace("groups", "reset", "g", "--to", "earliest").status == 0)
        #expect(try millrace("groups", "describe", "g", "--json").output.contains(#""offset":0,"end":20,"lag":20"#))
    }

    @Test func deadLettersGoBackOnce() throws {
        defer { try? FileManager.default.removeItem(atPath: data) }
        try withLog { log in
            try log.createTopic(TopicSpecification("payments", partitions: 2))
            try log.createTopic(TopicSpecification("dead", partitions: 1))
            let appender = try log.openAppender(to: "dead", named: "a", group: "g")
            let headers: Headers = [
                Header("own", text: "kept"), Header("__streams.errors.topic", text: "payments"),
                Header("__streams.errors.partition", text: "1"),
                Header("__streams.errors.message", text: "bad"),
            ]
            try appender.append(key: "k", value: "v", timestamp: 7, headers: headers)
            try appender.commit()
        }
        #expect(try millrace("dead-letters", "replay", "dead", "--dry-run").output == "1 record would be copied to payments\n")
        #expect(try millrace("dead-letters", "replay", "dead").output == "1 record copied to payments\n")
        #expect(try millrace("dead-letters", "replay", "dead").output == "Nothing to replay.\n")
        #expect(
            try millrace("consume", "payments", "--json").output
                == #"{"partition":1,"offset":0,"timestamp":7,"key":"k","value":"v","headers":[["own","kept"]]}"# + "\n")
    }

    @Test func damageIsFoundAndNamed() throws {
        defer { try? FileManager.default.removeItem(atPath: data) }
        #expect(try millrace("topics", "create", "t").status == 0)
        #expect(try millrace("produce", "t", input: "one\ntwo\n").status == 0)
        let path = data + "/t-0/00000000000000000000.log"
        let file = try POSIXFileSystem().open(path, writable: true)
        try [UInt8(0xEE)].withUnsafeBytes { try file.write($0, at: 65) }
        let result = try millrace("log", "verify")
        #expect(result.status == 1)
        #expect(result.output.contains("DAMAGED"))
        #expect(result.errors.contains(path))
    }

    @Test(arguments: [["nonsense"], ["topics", "lst"], ["consume", "t", "--from", "yesterday"], ["topics", "create", "a", "b"]])
    func aWrongLineSaysWhatIsRight(_ arguments: [String]) throws {
        try withLog { _ in }
        defer { try? FileManager.default.removeItem(atPath: data) }
        let process = Process()
        process.executableURL = CommandTests.products.appendingPathComponent("millrace")
        process.arguments = arguments
        process.environment = ["MILLRACE_DATA": data]
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus != 0)
        #expect(text.hasPrefix("millrace: "))
    }
}
