import MillraceCore

/// Where a broker listens.
package struct BrokerAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address.
    package var host: String
    /// The port; brokers may say nonsense, so it is checked when it is used.
    package var port: Int32

    /// A broker at a host and port.
    package init(host: String, port: Int32) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, `[::1]:port` or `SECURITY://host:port`; without a port, Kafka's 9092.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when it is none of these.
    package init(_ text: String) throws(MillraceError) {
        var rest = Substring(text)
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        var port: Int32 = 9092
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("]"), rest.first == "[" || rest.firstIndex(of: ":") == colon {
            guard let number = Int32(rest[rest.index(after: colon)...]), (1...65535).contains(number) else {
                throw MillraceError(.configuration, "\"\(text)\" is not the address of a broker: give host:port with a port of 1 to 65535.")
            }
            port = number
            rest = rest[..<colon]
        }
        if rest.first == "[", rest.last == "]" { rest = rest.dropFirst().dropLast() }
        guard !rest.isEmpty else {
            throw MillraceError(.configuration, "\"\(text)\" is not the address of a broker: give host:port, as in localhost:9092.")
        }
        self.init(host: String(rest), port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
