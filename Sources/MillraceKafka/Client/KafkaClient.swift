import CRdKafka
import MillraceCore

/// One client of librdkafka, with the threads it has. Its calls may be made from any thread.
final class KafkaClient: @unchecked Sendable {
    /// Valid until the client is gone.
    let handle: OpaquePointer
    let reports: ClientReports

    /// - Parameters:
    ///   - kind: A producer or a consumer.
    ///   - events: The events of librdkafka that its queues hand out, which it would deal with itself otherwise.
    ///   - onDelivery: Called for each message that was sent or given up, by whoever polls the client.
    /// - Throws: `MillraceError` of kind `configuration` that names the setting which is wrong.
    init(
        _ kind: rd_kafka_type_t, settings: [(String, String)], logger: MillraceLogger, events: Int32 = 0,
        onDelivery: (@convention(c) (OpaquePointer?, UnsafePointer<rd_kafka_message_t>?, UnsafeMutableRawPointer?) -> Void)? = nil
    ) throws {
        guard let configuration = rd_kafka_conf_new() else { throw MillraceError(.transport, "librdkafka gave no configuration.") }
        let reports = ClientReports(logger)
        self.reports = reports
        do { try ClientSettings.apply(settings, to: configuration) } catch {
            rd_kafka_conf_destroy(configuration)
            throw error
        }
        rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(reports).toOpaque())
        rd_kafka_conf_set_log_cb(configuration, ClientReports.callback)
        let usesTokens = settings.contains { ["sasl.mechanism", "sasl.mechanisms"].contains($0.0) && $0.1 == "OAUTHBEARER" }
        if usesTokens { rd_kafka_conf_enable_sasl_queue(configuration, 1) }
        if events != 0 { rd_kafka_conf_set_events(configuration, events) }
        if let onDelivery { rd_kafka_conf_set_dr_msg_cb(configuration, onDelivery) }
        var message = [CChar](repeating: 0, count: 512)
        guard let handle = rd_kafka_new(kind, configuration, &message, message.count) else {
            rd_kafka_conf_destroy(configuration)
            throw MillraceError(.configuration, "librdkafka refuses the settings: \(ClientSettings.text(message)).")
        }
        self.handle = handle
        // Tokens are fetched when they run out, also while nobody polls this client.
        guard usesTokens, let tokens = rd_kafka_queue_get_sasl(handle) else { return }
        rd_kafka_queue_destroy(tokens)
        if let error = LibraryError(rd_kafka_sasl_background_callbacks_enable(handle)) {
            throw MillraceError(.configuration, "librdkafka cannot fetch tokens: \(error.text).")
        }
    }

    deinit { ClientEnd.end(handle, reports) }
}
