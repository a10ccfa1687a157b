import MillraceCore

/// What all connections of an app to its cluster have in common.
struct ConnectionSettings {
    /// How to be safe.
    var security: SecuritySettings
    /// Made of `security` once; `nil` where connections are not encrypted.
    var tls: TLSContext?
    /// What brokers call us in their logs.
    var clientID: String
    /// How long to wait for a broker each time, in milliseconds.
    var timeout: Int32

    /// Reads settings by librdkafka's names.
    ///
    /// - Throws: `MillraceError` of kind `configuration` that names the setting.
    init(_ settings: [String: String]) throws(MillraceError) {
        security = try SecuritySettings(settings)
        tls = security.usesTLS ? try TLSContext(security) : nil
        clientID = settings["client.id"] ?? "millrace"
        timeout = settings["socket.timeout.ms"].flatMap { Int32($0) }.map { max(10, $0) } ?? 30_000
    }
}
