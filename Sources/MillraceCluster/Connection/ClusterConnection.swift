#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import MillraceCore
import MillraceWire

/// Connections to the brokers of a cluster, made when they are needed and replaced when they fail. Used by one thread at a time.
final class ClusterConnection {
    private let bootstrap: [BrokerAddress]
    private let settings: ConnectionSettings
    private var connections: [BrokerAddress: BrokerConnection] = [:]
    /// The brokers as the cluster last told them, by number.
    private var brokers: [Int32: BrokerAddress] = [:]
    private var coordinators: [String: BrokerAddress] = [:]

    init(bootstrap: [BrokerAddress], _ settings: ConnectionSettings) {
        self.bootstrap = bootstrap
        self.settings = settings
    }

    /// Asks one broker.
    func send<Request: WireRequest>(_ request: Request, to address: BrokerAddress) throws(MillraceError) -> Request.Response {
        let connection = try connection(to: address)
        do { return try connection.send(request) } catch {
            connections[address] = nil
            throw error
        }
    }

    /// Asks any broker: those of the bootstrap list first, then the others that are known.
    func sendAnywhere<Request: WireRequest>(_ request: Request) throws(MillraceError) -> Request.Response {
        var failure: MillraceError?
        for address in bootstrap + brokers.values.filter({ !bootstrap.contains($0) }) {
            do { return try send(request, to: address) } catch {
                // Nobody else will accept what one broker refuses for good.
                if !error.isRetriable { throw error }
                failure = error
            }
        }
        throw failure
            ?? MillraceError(.configuration, "No broker is given. bootstrapServers is a list such as localhost:9092,localhost:9093.")
    }

    /// Topics with their ids and leaders; those that do not exist carry an error.
    func metadata(of topics: [String]?) throws(MillraceError) -> [MetadataRequest.Topic] {
        let response = try sendAnywhere(MetadataRequest(topics: topics))
        brokers = Dictionary(response.brokers.map { ($0.id, $0.address) }, uniquingKeysWith: { $1 })
        return response.topics
    }

    /// Where a broker with this number listens; `nil` when none is known.
    func address(of broker: Int32) -> BrokerAddress? { brokers[broker] }

    /// The broker that coordinates a group.
    ///
    /// - Throws: `MillraceError`, retriable while the cluster makes up its mind.
    func coordinator(of group: String) throws(MillraceError) -> BrokerAddress {
        if let known = coordinators[group] { return known }
        let found = try sendAnywhere(FindCoordinatorRequest(group: group))
        guard found.error == .none else {
            throw MillraceError(
                .transport, "The coordinator of group \(group) cannot be told: \(found.error)\(found.message.map { ", \($0)" } ?? "").",
                isRetriable: found.error.isRetriable)
        }
        coordinators[group] = found.address
        return found.address
    }

    /// Asks for the coordinator anew next time.
    func forgetCoordinator(of group: String) { coordinators[group] = nil }

    /// What a broker of the bootstrap list speaks.
    func versions() throws(MillraceError) -> ApiVersionsRequest.Response {
        try sendAnywhere(ApiVersionsRequest(software: "millrace", softwareVersion: "1"))
    }

    private func connection(to address: BrokerAddress) throws(MillraceError) -> BrokerConnection {
        if let known = connections[address] { return known }
        let made = try BrokerConnection(to: address, settings)
        connections[address] = made
        return made
    }

    /// Waits; for threads of our own only.
    static func pause(milliseconds: Int32) { _ = poll(nil, 0, milliseconds) }
}
