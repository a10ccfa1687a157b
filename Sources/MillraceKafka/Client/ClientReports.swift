import CRdKafka
import MillraceCore
import Synchronization

/// What librdkafka says of a client, on threads of its own: handed to the logger, and the last trouble kept for the message of an error.
final class ClientReports: Sendable {
    private let logger: MillraceLogger
    private let trouble = Mutex<String?>(nil)
    /// What became of messages, where the client is a producer.
    let deliveries = Deliveries()

    init(_ logger: MillraceLogger) {
        self.logger = logger
    }

    /// What went wrong last with a connection, as librdkafka says it.
    var lastTrouble: String? { trouble.withLock { $0 } }

    func note(level: Int32, facility: String, _ text: String) {
        // FAIL is a connection that could not be made or broke.
        if level <= 3 || facility == "FAIL" { trouble.withLock { $0 = text } }
        logger.log(ClientReports.level(level), "librdkafka: \(text)", ("facility", facility))
    }

    /// The levels of syslog.
    private static func level(_ level: Int32) -> LogLevel {
        switch level {
        case ...2: .critical
        // What librdkafka calls an error is mostly a connection that it will make again.
        case 3, 4: .warning
        case 5: .notice
        case 6: .info
        default: .debug
        }
    }

    /// The function that librdkafka calls.
    static let callback: @convention(c) (OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Void = {
        client, level, facility, text in
        guard let client, let opaque = rd_kafka_opaque(client) else { return }
        Unmanaged<ClientReports>.fromOpaque(opaque).takeUnretainedValue()
            .note(level: level, facility: facility.map { String(cString: $0) } ?? "", text.map { String(cString: $0) } ?? "")
    }
}
