import MillraceCore

/// Tells the broker how the client wants to prove who it is.
package struct SaslHandshakeRequest: WireRequest {
    package static let apiKey: Int16 = 17
    package static let name = "SaslHandshake"
    package static let version: Int16 = 1
    package static let hasFlexibleHeader = false

    /// The mechanism, as in `SCRAM-SHA-256`.
    package var mechanism: String

    /// A wish for a mechanism.
    package init(mechanism: String) { self.mechanism = mechanism }

    /// Whether the broker agrees, and to what it would.
    package struct Response: Hashable, Sendable {
        package var error: WireError
        package var mechanisms: [String]
    }

    package func encode(to writer: WireWriter) { writer.legacyString(mechanism) }

    package static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
        Response(
            error: WireError(try reader.int16()),
            mechanisms: try reader.legacyArray { reader throws(MillraceError) in try reader.legacyString() })
    }
}

/// One step of the proof.
package struct SaslAuthenticateRequest: WireRequest {
    package static let apiKey: Int16 = 36
    package static let name = "SaslAuthenticate"
    package static let version: Int16 = 2

    /// What the mechanism says.
    package var bytes: [UInt8]

    /// A step with these bytes.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// What the server's side of the mechanism says.
    package struct Response: Hashable, Sendable {
        package var error: WireError
        package var message: String?
        package var bytes: [UInt8]
    }

    package func encode(to writer: WireWriter) {
        writer.bytes(bytes)
        writer.noTags()
    }

    package static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
        let response = Response(error: WireError(try reader.int16()), message: try reader.nullableString(), bytes: try reader.byteArray())
        _ = try reader.int64()
        try reader.skipTags()
        return response
    }
}
