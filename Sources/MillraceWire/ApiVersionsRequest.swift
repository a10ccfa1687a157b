import MillraceCore

/// Asks which APIs a broker speaks, in which versions.
package struct ApiVersionsRequest: WireRequest {
    package static let apiKey: Int16 = 18
    package static let name = "ApiVersions"
    package static let version: Int16 = 3
    /// The answer's header is of the oldest form always, so that a client can read it before it knows anything.
    package static let hasFlexibleAnswer = false

    /// The name of the client that the broker counts connections under.
    package var software: String
    /// The version of that client.
    package var softwareVersion: String

    /// A question by a client of this name and version; both of letters, digits, dots and dashes.
    package init(software: String, softwareVersion: String) {
        self.software = software
        self.softwareVersion = softwareVersion
    }

    /// The versions that a broker speaks, by API.
    package struct Response: Hashable, Sendable {
        /// Whether the broker understood the question.
        package var error: WireError
        /// The lowest and highest version of each API.
        package var versions: [Int16: ClosedRange<Int16>]

        package init(error: WireError, versions: [Int16: ClosedRange<Int16>]) {
            self.error = error
            self.versions = versions
        }

        /// Whether requests of this type are understood.
        package func supports(_ request: any WireRequest.Type) -> Bool {
            versions[request.apiKey]?.contains(request.version) == true
        }
    }

    package func encode(to writer: WireWriter) {
        writer.string(software)
        writer.string(softwareVersion)
        writer.noTags()
    }

    package static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
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
