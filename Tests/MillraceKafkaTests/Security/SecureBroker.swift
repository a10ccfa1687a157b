import Foundation
import MillraceCore
import RealKafka
import Testing

@testable import MillraceKafka

/// A real broker with listeners for each way to be safe, for the tests of one process.
struct SecureBroker {
    /// What must never be said.
    static let secrets = ["pass-geheim-4711", "key-geheim-4711", "wrong-geheim-4711"]
    static let user = "alice"

    /// How a listener is spoken to.
    enum Listener: String, CaseIterable {
        /// Encrypted.
        case tls = "SSL"
        /// Encrypted; the client shows a certificate too.
        case mutual
        /// Encrypted, with a certificate that names another host.
        case misnamed
        /// Passwords, not encrypted.
        case sasl = "SASL_PLAINTEXT"
        /// Passwords, encrypted.
        case saslTLS = "SASL_SSL"

        fileprivate var `protocol`: String { self == .mutual || self == .misnamed ? "SSL" : rawValue }
        fileprivate var name: String { "\(self)".uppercased() }
        fileprivate var place: Int { Listener.allCases.firstIndex(of: self) ?? 0 }
    }

    private let cluster: RealCluster
    private let certificates: String
    private static let firstPort = 10_000 + Int(ProcessInfo.processInfo.processIdentifier) % 300 * 6

    /// Started with the first test that needs it, and stopped with the process.
    nonisolated(unsafe) private static let started: Result<SecureBroker, any Error> = Result {
        let broker = try SecureBroker()
        atexit {
            guard case .success(let broker) = SecureBroker.started else { return }
            broker.cluster.stop()
            try? FileManager.default.removeItem(atPath: broker.certificates)
        }
        return broker
    }

    static func shared() throws -> SecureBroker { try started.get() }

    private init() throws {
        certificates = NSTemporaryDirectory() + "millrace-certificates-\(UUID().uuidString)"
        let maker = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/make-certificates"
        _ = try OutsideProgram.output(of: maker, [certificates])
        cluster = try RealCluster()
        let file = cluster.directory + "/1.properties"
        var lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        for (index, line) in lines.enumerated() {
            for listener in Listener.allCases {
                let port = SecureBroker.firstPort + listener.place
                if line.hasPrefix("listeners=") { lines[index] += ",\(listener.name)://127.0.0.1:\(port)" }
                if line.hasPrefix("advertised.listeners=") { lines[index] += ",\(listener.name)://localhost:\(port)" }
                if line.hasPrefix("listener.security.protocol.map=") { lines[index] += ",\(listener.name):\(listener.protocol)" }
            }
        }
        lines += settings
        try cluster.kill(1)
        try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
        try cluster.restart(1)
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            try cluster.tool(
                "configs", "--alter", "--add-config", "\(mechanism)=[password=\(SecureBroker.secrets[0])]", "--entity-type", "users",
                "--entity-name", SecureBroker.user)
        }
    }

    private var settings: [String] {
        var lines = ["sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"]
        for listener in Listener.allCases {
            let prefix = "listener.name.\(listener.name.lowercased())."
            let broker = listener == .misnamed ? "misnamed" : "broker"
            lines += ["keystore.type=PEM", "keystore.location=\(certificates)/\(broker).pem"].map { prefix + "ssl." + $0 }
            lines += ["truststore.type=PEM", "truststore.location=\(certificates)/authority.pem"].map { prefix + "ssl." + $0 }
            if listener == .mutual { lines.append(prefix + "ssl.client.auth=required") }
            let module = "org.apache.kafka.common.security"
            lines.append(
                prefix
                    + "plain.sasl.jaas.config=\(module).plain.PlainLoginModule required user_\(SecureBroker.user)=\"\(SecureBroker.secrets[0])\";"
            )
            for hash in ["256", "512"] {
                lines.append(prefix + "scram-sha-\(hash).sasl.jaas.config=\(module).scram.ScramLoginModule required;")
            }
            lines.append(
                prefix
                    + "oauthbearer.sasl.jaas.config=\(module).oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";"
            )
        }
        return lines
    }

    /// A transport to a listener.
    ///
    /// - Parameters:
    ///   - mechanism: How to prove who we are, where the listener asks.
    ///   - authority: Who is trusted to have signed the broker's certificate.
    ///   - other: Further settings.
    ///   - timeout: How long to wait for an answer, in seconds.
    func transport(
        _ listener: Listener, mechanism: String? = nil, password: String = SecureBroker.secrets[0], authority: String = "authority",
        other: [String: String] = [:], logger: MillraceLogger = .silent, timeout: Int = 20
    ) throws -> KafkaTransport {
        var settings = other
        settings["security.protocol"] = listener.protocol
        if listener.protocol.hasSuffix("SSL") { settings["ssl.ca.location"] = "\(certificates)/\(authority).pem" }
        if listener == .mutual {
            settings["ssl.certificate.location"] = "\(certificates)/client.certificate"
            settings["ssl.key.location"] = "\(certificates)/client.locked"
            settings["ssl.key.password"] = SecureBroker.secrets[1]
        }
        if let mechanism {
            settings["sasl.mechanism"] = mechanism
            if mechanism != "OAUTHBEARER" { (settings["sasl.username"], settings["sasl.password"]) = (SecureBroker.user, password) }
        }
        return try KafkaTransport(
            bootstrapServers: "localhost:\(SecureBroker.firstPort + listener.place)",
            options: KafkaOptions(settings: settings, requestTimeout: .seconds(timeout), logger: logger))
    }

    /// Without any safety.
    func openTransport() throws -> KafkaTransport { try KafkaTransport(bootstrapServers: cluster.bootstrapServers) }
}
