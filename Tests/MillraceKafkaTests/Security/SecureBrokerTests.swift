import MillraceCore
import MillraceFormats
import RealKafka
import Synchronization
import Testing

@testable import MillraceKafka

/// Both connections, librdkafka's and our own, with the same settings, to a real broker that asks for them.
@Suite(.serialized, .enabled(if: RealKafka.isWanted)) struct SecureBrokerTests {
    private static let ways: [(SecureBroker.Listener, String?)] = [
        (.tls, nil), (.mutual, nil), (.sasl, "PLAIN"), (.sasl, "SCRAM-SHA-256"), (.sasl, "SCRAM-SHA-512"), (.saslTLS, "PLAIN"),
        (.saslTLS, "SCRAM-SHA-512"),
    ]

    @Test(arguments: ways) func bothConnectionsSpeakIt(_ listener: SecureBroker.Listener, _ mechanism: String?) throws {
        let lines = Lines()
        let broker = try SecureBroker.shared()
        let isFlawed = mechanism?.hasPrefix("SCRAM") == true && KafkaFailure.scramFlaw != nil
        let transport = try broker.transport(
            listener, mechanism: mechanism, other: ["debug": "security"], logger: lines.logger, timeout: isFlawed ? 3 : 20)
        let topic = "safe-\(listener)-\(mechanism ?? "none")"
        if isFlawed, let flaw = KafkaFailure.scramFlaw {
            // Our own connection speaks it, and what is said of librdkafka helps.
            #expect(transport.hasStreamsGroups)
            let error = #expect(throws: MillraceError.self) { try transport.createTopic(TopicSpecification(topic, partitions: 1)) }
            #expect(error?.message.contains(flaw) == true)
            #expect(lines.secretsSaid.isEmpty)
            return
        }
        try transport.createTopic(TopicSpecification(topic, partitions: 1))
        try writeAndRead(topic, transport)
        // Only our own connection hears of ids, and of streams groups.
        #expect(try transport.describeTopic(topic)?.id == broker.openTransport().describeTopic(topic)?.id)
        #expect(transport.hasStreamsGroups)
        #expect(lines.secretsSaid.isEmpty)
    }

    /// Our own connection does not speak it: librdkafka does all there is to do.
    @Test func tokensAreLeftToLibrdkafka() throws {
        let lines = Lines()
        let transport = try SecureBroker.shared().transport(
            .sasl, mechanism: "OAUTHBEARER",
            other: ["enable.sasl.oauthbearer.unsecure.jwt": "true", "sasl.oauthbearer.config": "principal=alice"], logger: lines.logger)
        try transport.createTopic(TopicSpecification("safe-tokens", partitions: 1))
        try writeAndRead("safe-tokens", transport)
        #expect(!transport.hasStreamsGroups)
        #expect(lines.text.contains("classic group") && lines.text.contains("OAUTHBEARER"))
    }

    @Test(arguments: [(SecureBroker.Listener.sasl, "PLAIN"), (.sasl, "SCRAM-SHA-256"), (.saslTLS, "SCRAM-SHA-512")])
    func aWrongPasswordIsSaidAndNotRepeated(_ listener: SecureBroker.Listener, _ mechanism: String) throws {
        let lines = Lines()
        let transport = try SecureBroker.shared().transport(
            listener, mechanism: mechanism, password: SecureBroker.secrets[2], other: ["debug": "security"], logger: lines.logger,
            timeout: 3)
        try expectFailure(transport, lines, librdkafka: ["uthentication failed", "security settings"], own: ["sasl.password"])
    }

    @Test func aStrangersCertificateIsRefused() throws {
        let lines = Lines()
        let transport = try SecureBroker.shared().transport(.tls, authority: "stranger", logger: lines.logger, timeout: 3)
        try expectFailure(
            transport, lines, librdkafka: ["certificate verify failed"], own: ["certificate verify failed", "ssl.ca.location"])
    }

    @Test func aCertificateOfAnotherHostIsRefused() throws {
        let lines = Lines()
        let broker = try SecureBroker.shared()
        let transport = try broker.transport(.misnamed, logger: lines.logger, timeout: 3)
        try expectFailure(transport, lines, librdkafka: ["certificate verify failed"], own: ["certificate", "names this host"])
        // Unless that is not looked at.
        let trusting = try broker.transport(.misnamed, other: ["ssl.endpoint.identification.algorithm": "none"])
        #expect(trusting.hasStreamsGroups)
        _ = try trusting.listTopics()
    }

    /// Fails, on either connection, with words that help and without secrets.
    private func expectFailure(_ transport: KafkaTransport, _ lines: Lines, librdkafka: [String], own: [String]) throws {
        let first = #expect(throws: MillraceError.self) { _ = try transport.listTopics() }
        for phrase in librdkafka { #expect(first?.message.contains(phrase) == true, "\(first?.message ?? "")") }
        let second = #expect(throws: MillraceError.self) { _ = try #require(transport.cluster).supportsStreamsGroups() }
        #expect(second?.kind == .configuration && second?.isRetriable == false)
        for phrase in own { #expect(second?.message.contains(phrase) == true, "\(second?.message ?? "")") }
        let said = lines.text + "\(String(describing: first)) \(String(describing: second))"
        #expect(SecureBroker.secrets.filter { said.contains($0) }.isEmpty)
    }

    private func writeAndRead(_ topic: String, _ transport: KafkaTransport) throws {
        let session = try transport.openSession(named: topic, group: topic)
        defer { session.close() }
        let writer = RecordBatchWriter()
        try writer.append(timestamp: 1000, key: nil, value: nil)
        try writer.finish()
        let partition = TopicPartition(topic, 0)
        _ = try session.commit([OutputBatches(partition: partition, bytes: writer.output, recordCount: 1)], offsets: [:])
        try session.assign([partition: 0])
        var end: Offset = 0
        for _ in 0..<20 where end == 0 { end = try session.poll(maxBytes: 1 << 20, timeout: .seconds(1)).last?.nextOffset ?? 0 }
        #expect(end > 0)
    }
}

/// What was logged.
private final class Lines: Sendable {
    private let lines = Mutex("")

    var text: String { lines.withLock { $0 } }
    var secretsSaid: [String] { SecureBroker.secrets.filter { text.contains($0) } }
    var logger: MillraceLogger {
        MillraceLogger(level: .trace) { [self] _, message, details in lines.withLock { $0 += message + "\(details)\n" } }
    }
}
