import MillraceCore
import MillraceWire

/// A connection to one broker: one request at a time, each answered before the next. Used by one thread at a time.
///
/// After an error the connection is of no use, and must be replaced.
final class BrokerConnection {
    private let stream: any ByteStream
    private let clientID: String
    private let address: BrokerAddress
    private var correlation: Int32 = 0
    /// What the broker speaks.
    private(set) var versions: ApiVersionsRequest.Response

    /// Connects, asks what the broker speaks, and proves who we are where that is asked for.
    init(to address: BrokerAddress, _ settings: ConnectionSettings) throws(MillraceError) {
        self.address = address
        clientID = settings.clientID
        let socket = try Socket(to: address, timeout: settings.timeout)
        stream = if let tls = settings.tls { try TLSStream(over: socket, to: address, context: tls) } else { socket }
        versions = ApiVersionsRequest.Response(error: .none, versions: [:])
        versions = try exchange(ApiVersionsRequest(software: "millrace", softwareVersion: "1"))
        guard versions.error == .none else {
            throw MillraceError(.transport, "Broker \(address) is too old: Kafka 2.4 or later is needed.")
        }
        if let mechanism = settings.security.mechanism { try authenticate(mechanism) }
    }

    /// Asks, and waits for the answer.
    ///
    /// - Throws: `MillraceError` of kind `transport` when the broker cannot be reached any more, or does not speak this request.
    func send<Request: WireRequest>(_ request: Request) throws(MillraceError) -> Request.Response {
        guard versions.supports(Request.self) else {
            throw MillraceError(
                .transport, "Broker \(address) does not speak \(Request.name) in version \(Request.version). A newer Kafka does.")
        }
        return try exchange(request)
    }

    private func exchange<Request: WireRequest>(_ request: Request) throws(MillraceError) -> Request.Response {
        correlation &+= 1
        let frame = request.frame(correlation: correlation, clientID: clientID)
        defer { withExtendedLifetime(frame) {} }
        try stream.write(frame.bytes)
        let header = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 4)
        defer { header.deallocate() }
        try stream.readAll(into: header)
        let size: Int32 = UnsafeRawBufferPointer(header).loadBigEndian()
        guard size >= 4, size <= BrokerConnection.largestAnswer else {
            throw MillraceError(
                .transport,
                "The server at \(address) announced an answer of \(size) bytes, which no Kafka broker does. Is it a Kafka broker, and does it expect TLS?"
            )
        }
        let body = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(size), alignment: 8)
        defer { body.deallocate() }
        try stream.readAll(into: body)
        return try Request.response(UnsafeRawBufferPointer(body), correlation: correlation)
    }

    private func authenticate(_ mechanism: SaslMechanism) throws(MillraceError) {
        let agreed = try send(SaslHandshakeRequest(mechanism: mechanism.name))
        guard agreed.error == .none else {
            throw MillraceError(
                .configuration,
                "Broker \(address) does not accept sasl.mechanism = \(mechanism.name); it offers \(agreed.mechanisms.joined(separator: ", "))."
            )
        }
        switch mechanism {
        case .plain(let user, let password):
            _ = try prove([0] + Array(user.utf8) + [0] + Array(password.utf8))
        case .scram(let hash, let user, let password):
            var conversation = ScramConversation(hash, user: user, password: password, nonce: ScramConversation.makeNonce())
            let serverFirst = try prove(conversation.first)
            let serverLast = try prove(try conversation.last(after: serverFirst))
            try conversation.check(serverLast)
        }
    }

    private func prove(_ bytes: [UInt8]) throws(MillraceError) -> [UInt8] {
        let answer = try send(SaslAuthenticateRequest(bytes))
        guard answer.error == .none else {
            throw MillraceError(
                .configuration,
                "Broker \(address) refused the credentials: \(answer.message ?? answer.error.description) Check sasl.username and sasl.password."
            )
        }
        return answer.bytes
    }

    /// More than any answer that is asked for here takes, with thousands of topics.
    private static let largestAnswer: Int32 = 64 << 20
}
