import CRdKafka
import MillraceCore

/// Settings on their way to librdkafka.
enum ClientSettings {
    /// What the transport decides itself: with other values records would be lost, doubled or read before they are committed.
    static let reserved: Set<String> = [
        "bootstrap.servers", "metadata.broker.list", "group.id", "group.instance.id", "transactional.id", "transaction.timeout.ms",
        "isolation.level", "enable.auto.commit", "auto.commit.enable", "enable.auto.offset.store", "enable.partition.eof",
        "auto.offset.reset", "enable.idempotence", "enable.gapless.guarantee", "acks", "request.required.acks",
        "delivery.report.only.error", "message.timeout.ms", "delivery.timeout.ms",
    ]

    /// Whether the value of a setting must not be repeated anywhere, be it in an error.
    static func isSecret(_ name: String) -> Bool {
        ["password", "secret", ".pem", "sasl.oauthbearer.config", "sasl.jaas", "sasl.kerberos", "sasl.username"].contains {
            name.contains($0)
        }
    }

    /// Refuses what an app may not set.
    ///
    /// - Throws: `MillraceError` of kind `configuration` that names the setting.
    static func validate(_ settings: [String: String]) throws {
        if let name = settings.keys.sorted().first(where: { reserved.contains($0) }) {
            throw MillraceError(
                .configuration,
                "The librdkafka setting \(name) is the transport's own and cannot be given. Leave it out of KafkaOptions.settings.")
        }
    }

    /// Puts settings into a configuration of librdkafka. Those of an app that are for the other kind of client do nothing there.
    static func apply(_ settings: [(String, String)], to configuration: OpaquePointer) throws {
        var message = [CChar](repeating: 0, count: 512)
        for (name, value) in settings {
            let result = rd_kafka_conf_set(configuration, name, value, &message, message.count)
            guard result != RD_KAFKA_CONF_OK else { continue }
            let detail = isSecret(name) ? "its value is not possible" : text(message)
            throw MillraceError(
                .configuration,
                result == RD_KAFKA_CONF_UNKNOWN
                    ? "librdkafka knows no setting \(name). Its own list is CONFIGURATION.md of librdkafka."
                    : "The librdkafka setting \(name) is refused: \(detail).")
        }
    }

    static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
