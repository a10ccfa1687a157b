import MillraceCore
import Synchronization
import Testing

@testable import MillraceKafka

/// What an app may set, and what it is told when it may not or cannot be reached.
@Suite struct SettingsTests {
    @Test(arguments: ["isolation.level", "transactional.id", "group.id", "enable.auto.commit", "bootstrap.servers"])
    func whatDecidesAboutCorrectnessIsRefused(_ name: String) {
        let error = #expect(throws: MillraceError.self) {
            try KafkaTransport(bootstrapServers: "localhost:1", options: KafkaOptions(settings: [name: "x"]))
        }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains(name) == true)
    }

    @Test func unknownAndImpossibleSettingsAreNamed() {
        for settings in [["no.such.thing": "1"], ["security.protocol": "CARRIER_PIGEON"]] {
            let error = #expect(throws: MillraceError.self) {
                try KafkaTransport(bootstrapServers: "localhost:1", options: KafkaOptions(settings: settings))
            }
            #expect(error?.kind == .configuration)
            #expect(error?.message.contains(settings.keys.first ?? "") == true)
        }
    }

    @Test func secretsAreNeverSaid() throws {
        final class Lines: Sendable {
            let text = Mutex("")
        }
        let lines = Lines()
        let secret = "geheim-4711"
        let logger = MillraceLogger(level: .trace) { _, message, details in
            lines.text.withLock { $0 += message + "\(details)\n" }
        }
        let settings = [
            "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "somebody", "sasl.password": secret,
            "debug": "all",
        ]
        let options = KafkaOptions(settings: settings, requestTimeout: .milliseconds(300), logger: logger)
        do {
            let transport = try KafkaTransport(bootstrapServers: "127.0.0.1:1", options: options)
            let error = #expect(throws: MillraceError.self) { try transport.listTopics() }
            #expect(error?.description.contains(secret) == false)
        }
        let text = lines.text.withLock { $0 }
        #expect(text.count > 100)
        #expect(!text.contains(secret))
        for name in ["sasl.password", "ssl.key.password", "ssl.key.pem", "sasl.oauthbearer.client.secret", "ssl.keystore.password"] {
            #expect(ClientSettings.isSecret(name))
        }
    }

    @Test func aClusterThatCannotBeReachedIsSaidSo() throws {
        let transport = try KafkaTransport(bootstrapServers: "127.0.0.1:1", options: KafkaOptions(requestTimeout: .milliseconds(300)))
        for call in [
            { _ = try transport.listTopics() }, { _ = try transport.openSession(named: "a", group: "a") },
            { _ = try transport.committedOffsets(of: "a", for: [TopicPartition("a", 0)]) },
            { try transport.createTopic(TopicSpecification("a", partitions: 1)) },
        ] {
            let error = #expect(throws: MillraceError.self) { try call() }
            #expect(error?.kind == .transport)
            #expect(error?.isRetriable == true)
            #expect(
                error?.message.contains("refused") == true || error?.message.contains("bootstrap servers") == true,
                "\(String(describing: error))")
        }
    }
}
