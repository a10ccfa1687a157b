import MillraceCore

/// A request of Kafka's protocol in one version, and how its answer is read.
///
/// Each is pure: values to bytes, bytes to values. What is to be done about an answer is decided elsewhere.
package protocol WireRequest {
    /// What the broker answers.
    associatedtype Response
    /// Kafka's number of the API.
    static var apiKey: Int16 { get }
    /// Kafka's name of the API, for messages.
    static var name: String { get }
    /// The version that is spoken.
    static var version: Int16 { get }
    /// Whether the request's header has tagged fields: 2 in Kafka's tables, not 1.
    static var hasFlexibleHeader: Bool { get }
    /// Whether the answer's header has them: 1 in Kafka's tables, not 0.
    static var hasFlexibleAnswer: Bool { get }
    /// Writes the fields behind the header.
    func encode(to writer: WireWriter)
    /// Reads the answer behind its header.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the bytes do not make an answer.
    static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response
}

extension WireRequest {
    package static var hasFlexibleHeader: Bool { true }
    package static var hasFlexibleAnswer: Bool { hasFlexibleHeader }

    /// The whole request with its length, as it goes over a connection.
    package func frame(correlation: Int32, clientID: String) -> ByteBuffer {
        let buffer = ByteBuffer()
        let writer = WireWriter(buffer)
        writer.int32(0)
        writer.int16(Self.apiKey)
        writer.int16(Self.version)
        writer.int32(correlation)
        writer.legacyString(clientID)
        if Self.hasFlexibleHeader { writer.noTags() }
        encode(to: writer)
        buffer.mutableBytes.storeBytes(of: Int32(clamping: buffer.count - 4).bigEndian, as: Int32.self)
        return buffer
    }

    /// Reads an answer, without its length.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the bytes do not answer the request `correlation`.
    package static func response(_ bytes: UnsafeRawBufferPointer, correlation: Int32) throws(MillraceError) -> Response {
        var reader = WireReader(bytes)
        let answered = try reader.int32()
        guard answered == correlation else {
            throw MillraceError(
                .corruption,
                "The broker answered request \(answered) when request \(correlation) (\(name)) was open. The connection is not usable any more."
            )
        }
        if hasFlexibleAnswer { try reader.skipTags() }
        return try decode(&reader)
    }
}
