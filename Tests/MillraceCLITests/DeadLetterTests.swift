import Millrace
import Testing

/// `millrace dead-letters replay`, on what an app leaves there.
@Suite struct DeadLetterTests {
    private let user = CommandLineUser()

    private struct Unlucky: Error {}

    private func withLog(_ body: (EmbeddedLog) async throws -> Void) async throws {
        let log = try EmbeddedLog.open(at: user.data)
        do { try await body(log) } catch {
            try log.close()
            throw error
        }
        try log.close()
    }

    /// Doubles numbers, and sends to `dead` what it cannot read, or cannot double because it is not `mended`.
    private func run(_ log: EmbeddedLog, mended: Bool) async throws {
        let builder = StreamsBuilder()
        let numbers: KStream<String, String> = builder.stream("in")
        numbers.mapValues { text in
            if text == "7", !mended { throw Unlucky() }
            return text + text
        }.to("out")
        var configuration = StreamsConfiguration(applicationID: "double")
        configuration.failures = FailurePolicies(processing: .deadLetter(topic: "dead"))
        let app = StreamsApp(try builder.build(), on: .embedded(log, statePath: user.data + "-state"), configuration: configuration)
        app.shutDownWhenIdle()
        try await app.run()
    }

    @Test func whatAnAppCouldNotProcessIsProcessedWhenItIsMended() async throws {
        try await withLog { log in
            for topic in ["in", "out", "dead"] { try log.createTopic(TopicSpecification(topic, partitions: 2)) }
            let numbers = try Producer<String, String>(to: "in", on: .embedded(log, statePath: user.data + "-state"))
            for number in 5...9 { try numbers.send("k\(number)", "\(number)", at: Timestamp(milliseconds: Int64(number))) }
            try numbers.commit()
            try await run(log, mended: false)
        }
        #expect(try user.run("consume", "out", "--fields", "value").output.split(separator: "\n").sorted() == ["55", "66", "88", "99"])
        #expect(try user.run("dead-letters", "replay", "dead").output == "1 record copied to in\n")
        try await withLog { try await run($0, mended: true) }
        #expect(try user.run("consume", "out", "--fields", "key,value").output.contains("77"))
        #expect(try user.run("dead-letters", "replay", "dead").output == "Nothing to replay.\n")
    }

    /// What stands before a record that cannot be replayed is replayed, once; and the message says how to go on.
    @Test func aRecordThatIsNoDeadLetterIsPassedOver() async throws {
        func headers(_ partition: Int) -> Headers {
            [Header("__streams.errors.topic", text: "in"), Header("__streams.errors.partition", text: "\(partition)")]
        }
        try await withLog { log in
            for topic in ["in", "dead"] { try log.createTopic(TopicSpecification(topic, partitions: 1)) }
            let appender = try log.openAppender(to: "dead", named: "a", group: "g")
            let letters: [Headers] = [headers(0), headers(3), headers(0), [], headers(0)]
            for (number, headers) in letters.enumerated() {
                try appender.append(key: nil, value: "\(number)", timestamp: 1, headers: headers)
            }
            try appender.commit()
        }
        for (offset, why) in [(1, "partition 3 of topic in, which does not exist"), (3, "it is no dead letter")] {
            let answer = try user.run("dead-letters", "replay", "dead")
            #expect(answer.status == 1)
            #expect(answer.errors.contains("offset \(offset) of dead-0") && answer.errors.contains(why))
            let command = "millrace groups reset millrace-dead-letters-replay --topic dead --partition 0 --to \(offset + 1)"
            #expect(answer.errors.contains(command))
            #expect(try user.run(command.split(separator: " ").dropFirst().map(String.init)).status == 0)
        }
        #expect(try user.run("dead-letters", "replay", "dead").output == "1 record copied to in\n")
        #expect(try user.run("consume", "in", "--fields", "value").output == "0\n2\n4\n")
    }
}
