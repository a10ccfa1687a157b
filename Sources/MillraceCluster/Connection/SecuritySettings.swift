import MillraceCore

/// How connections are made safe, by librdkafka's names of settings. Nothing here is ever written to a log or a message.
struct SecuritySettings {
    /// Whether connections are encrypted.
    var usesTLS = false
    /// How to prove who we are; `nil` when the broker does not ask.
    var mechanism: SaslMechanism?
    var certificateAuthorities: String?
    var certificate: String?
    var key: String?
    var keyPassword: String?
    var checksCertificate = true
    var checksHostName = true

    /// Reads `security.protocol`, `sasl.*` and `ssl.*`; settings that are librdkafka's alone are left to it.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when a setting is not one that this connection can follow.
    init(_ settings: [String: String]) throws(MillraceError) {
        let security = (settings["security.protocol"] ?? "plaintext").lowercased()
        switch security {
        case "plaintext": break
        case "ssl": usesTLS = true
        case "sasl_plaintext": mechanism = try SecuritySettings.mechanism(settings)
        case "sasl_ssl":
            usesTLS = true
            mechanism = try SecuritySettings.mechanism(settings)
        default:
            throw MillraceError(
                .configuration, "security.protocol = \(security) is not known. It is one of plaintext, ssl, sasl_plaintext and sasl_ssl.")
        }
        certificateAuthorities = settings["ssl.ca.location"]
        certificate = settings["ssl.certificate.location"]
        key = settings["ssl.key.location"]
        keyPassword = settings["ssl.key.password"]
        checksCertificate = settings["enable.ssl.certificate.verification"] != "false"
        // Names are checked unless that is switched off, as by librdkafka from 2.0 on.
        checksHostName = checksCertificate && settings["ssl.endpoint.identification.algorithm"]?.lowercased() != "none"
    }

    private static func mechanism(_ settings: [String: String]) throws(MillraceError) -> SaslMechanism {
        let name = settings["sasl.mechanism"] ?? settings["sasl.mechanisms"] ?? "GSSAPI"
        guard ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].contains(name) else {
            throw MillraceError(
                .configuration,
                "sasl.mechanism = \(name) does not work on the connection that keeps an app's group: it speaks PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512."
            )
        }
        guard let user = settings["sasl.username"], let password = settings["sasl.password"] else {
            throw MillraceError(.configuration, "sasl.mechanism = \(name) needs sasl.username and sasl.password.")
        }
        switch name {
        case "PLAIN": return .plain(user: user, password: password)
        case "SCRAM-SHA-256": return .scram(.sha256, user: user, password: password)
        default: return .scram(.sha512, user: user, password: password)
        }
    }
}

/// A way to prove who a client is. Kafka: `sasl.mechanism`.
enum SaslMechanism {
    case plain(user: String, password: String)
    case scram(ScramHash, user: String, password: String)

    /// Kafka's name of it.
    var name: String {
        switch self {
        case .plain: "PLAIN"
        case .scram(.sha256, _, _): "SCRAM-SHA-256"
        case .scram(.sha512, _, _): "SCRAM-SHA-512"
        }
    }
}
