import MillraceCore

/// Asks which APIs a broker speaks, in which versions.
public struct ApiVersionsRequest: WireRequest {
    public static let apiKey: Int16 = 18
    public static let name = "ApiVersions"
    public static let version: Int16 = 3

    /// The name of the client that the broker counts connections under.
    public var software: String
    /// The version of that client.
    public var softwareVersion: String

    /// A question by a client of this name and version; both of letters, digits, dots and dashes.
    public init(software: String, softwareVersion: String) {
        self.software = software
        self.softwareVersion = softwareVersion
    }

    /// The versions that a broker speaks, by API.
    public struct Response: Hashable, Sendable {
        /// Whether the broker understood the question.
        public var error: WireError
        /// The lowest and highest version of each API.
        public var versions: [Int16: ClosedRange<Int16>]

        /// Whether requests of this type are understood.
        public func supports(_ request: any WireRequest.Type) -> Bool {
            versions[request.apiKey]?.contains(request.version) == true
        }
    }

    public func encode(to writer: WireWriter) {
        writer.string(software)
        writer.string(softwareVersion)
        writer.noTags()
    }

    /// The answer's header is of the oldest form always, so that a client can read it before it knows anything.
    public static func response(_ bytes: UnsafeRawBufferPointer, correlation: Int32) throws(MillraceError) -> Response {
        var reader = WireReader(bytes)
        guard try reader.int32() == correlation else {
            throw MillraceError(
                .corruption, "The broker answered a request that was not asked. Is the server at this address a Kafka broker?")
        }
        return try decode(&reader)
    }

    public static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
        let error = WireError(try reader.int16())
        // A broker that is too old for the version answers in the oldest one.
        guard error == .none else { return Response(error: error, versions: [:]) }
        let versions = try reader.array { reader throws(MillraceError) -> (Int16, Int16, Int16) in
            let entry = (try reader.int16(), try reader.int16(), try reader.int16())
            try reader.skipTags()
            return entry
        }
        return Response(
            error: error,
            versions: Dictionary(versions.filter { $0.1 <= $0.2 }.map { ($0.0, $0.1...$0.2) }, uniquingKeysWith: { $1 }))
    }
}
