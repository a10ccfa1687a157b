import MillraceCore

/// Tells the broker how the client wants to prove who it is.
public struct SaslHandshakeRequest: WireRequest {
    public static let apiKey: Int16 = 17
    public static let name = "SaslHandshake"
    public static let version: Int16 = 1
    public static let hasFlexibleHeader = false

    /// The mechanism, as in `SCRAM-SHA-256`.
    public var mechanism: String

    /// A wish for a mechanism.
    public init(mechanism: String) { self.mechanism = mechanism }

    /// Whether the broker agrees, and to what it would.
    public struct Response: Hashable, Sendable {
        public var error: WireError
        public var mechanisms: [String]
    }

    public func encode(to writer: WireWriter) { writer.legacyString(mechanism) }

    public static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
        Response(
            error: WireError(try reader.int16()),
            mechanisms: try reader.legacyArray { reader throws(MillraceError) in try reader.legacyString() })
    }
}

/// One step of the proof.
public struct SaslAuthenticateRequest: WireRequest {
    public static let apiKey: Int16 = 36
    public static let name = "SaslAuthenticate"
    public static let version: Int16 = 2

    /// What the mechanism says.
    public var bytes: [UInt8]

    /// A step with these bytes.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// What the server's side of the mechanism says.
    public struct Response: Hashable, Sendable {
        public var error: WireError
        public var message: String?
        public var bytes: [UInt8]
    }

    public func encode(to writer: WireWriter) {
        writer.bytes(bytes)
        writer.noTags()
    }

    public static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
        let response = Response(error: WireError(try reader.int16()), message: try reader.nullableString(), bytes: try reader.byteArray())
        _ = try reader.int64()
        try reader.skipTags()
        return response
    }
}
