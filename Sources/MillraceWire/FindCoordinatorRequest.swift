import MillraceCore

/// Asks which broker coordinates a group.
package struct FindCoordinatorRequest: WireRequest {
    package static let apiKey: Int16 = 10
    package static let name = "FindCoordinator"
    package static let version: Int16 = 4

    /// The group's id.
    package var group: String

    /// A question about the coordinator of `group`.
    package init(group: String) { self.group = group }

    /// The coordinator, or why it is not known.
    package struct Response: Hashable, Sendable {
        /// `coordinatorNotAvailable` while the cluster has none.
        package var error: WireError
        /// Where the coordinator listens, when there is no error.
        package var address: BrokerAddress
        /// What the broker says about an error.
        package var message: String?
    }

    package func encode(to writer: WireWriter) {
        writer.int8(0)
        writer.array([group]) { writer.string($0) }
        writer.noTags()
    }

    package static func decode(_ reader: inout WireReader) throws(MillraceError) -> Response {
        _ = try reader.int32()
        let coordinators = try reader.array { reader throws(MillraceError) -> Response in
            _ = try reader.string()
            _ = try reader.int32()
            let address = BrokerAddress(host: try reader.string(), port: try reader.int32())
            let response = Response(error: WireError(try reader.int16()), address: address, message: try reader.nullableString())
            try reader.skipTags()
            return response
        }
        try reader.skipTags()
        guard let first = coordinators.first else {
            throw MillraceError(
                .corruption, "The broker answered a question about a coordinator with none. Is the server at this address a Kafka broker?")
        }
        return first
    }
}
